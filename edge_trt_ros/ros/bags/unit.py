# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The unit of work: a bag, or a time slice of a large one, done by one process."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
import logging
import os
from pathlib import Path
import shutil
from threading import local
from traceback import format_exc

from edge_trt_ros.errors import described, EdgeTrtError
from edge_trt_ros.opening import open_network
from edge_trt_ros.ros.bags.bag_writer import BagWriter, writing
from edge_trt_ros.ros.bags.detect import check_found, detect_in_bag
from edge_trt_ros.ros.bags.record import RECORD, Record, source_files, SourceFile
from edge_trt_ros.ros.bags.task import BagTask, Counts, Span
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.select import ONNXRUNTIME, Placement
from edge_trt_ros.sources.bags import BagReader

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class EngineChoice:
    """
    The engine of a run.

    :param path: an engine with its manifest, or an ONNX file.
    :param backend: library that must run it.
    :param one_core: whether other processes use the other cores.
    """

    path: Path
    backend: str = 'auto'
    one_core: bool = False


@dataclass(frozen=True)
class Unit:
    """
    A bag, or a slice of it.

    :param engine: the engine.
    :param task: what to do.
    :param work: identifies engine and task.
    :param source: the bag to read.
    :param folder: folder in which the slice appears when it is finished.
    :param name: name of the slice.
    :param shown: the bag that is written, for messages.
    :param span: the slice.
    :param is_first: whether it is the first slice.
    :param is_whole: whether it is the whole bag.
    :param size_bytes: size of the slice, for the progress.
    """

    engine: EngineChoice
    task: BagTask
    work: str
    source: Path
    folder: Path
    name: str
    shown: Path
    span: Span
    is_first: bool
    is_whole: bool
    size_bytes: int


@dataclass(frozen=True)
class Outcome:
    """
    How a unit ended.

    :param counts: what was found; None after an error.
    :param message: the error.
    :param code: its stable code; '' for a bug.
    :param ends_run: whether it concerns the engine, and so every bag.
    """

    counts: Counts | None = None
    message: str = ''
    code: str = ''
    ends_run: bool = False


Progress = Callable[[float], None]


class _Engines(local):
    """The open engine of each thread, kept from one bag to the next."""

    choice: EngineChoice | None = None
    runtime: Runtime | None = None

    def get(self, choice: EngineChoice) -> Runtime:
        if self.runtime is None or self.choice != choice:
            self.close()
            self.runtime = open_network(choice.path, choice.backend, Placement(
                threads=1 if choice.one_core else 0)).runtime
            self.choice = choice
        return self.runtime

    def close(self) -> None:
        runtime, self.runtime = self.runtime, None
        if runtime is not None:
            runtime.close()


_engines = _Engines()


def run_unit(unit: Unit, progress: Progress) -> Outcome:
    """Do a unit; an error costs this unit alone, unless the engine cannot be used."""
    try:
        runtime = _engines.get(unit.engine)
    except (EdgeTrtError, OSError) as error:
        return Outcome(None, str(error), getattr(error, 'code', ''), ends_run=True)
    try:
        return Outcome(_write_part(unit, runtime, progress))
    except (EdgeTrtError, OSError) as error:
        return Outcome(None, str(error), getattr(error, 'code', ''))
    except Exception as error:  # a bug must not end the other bags
        _LOGGER.error('%s: %s', unit.source, format_exc())
        return Outcome(None, f'a bug of edge_trt_ros on {unit.source}; please report it: '
                       f'{type(error).__name__}: {described(error)}')


def close_engine() -> None:
    """Close the engine of this thread; without one nothing happens."""
    _engines.close()


def _write_part(unit: Unit, runtime: Runtime, progress: Progress) -> Counts:
    # On the CPU, a second image in work would take the core of another process.
    depth = 1 if unit.engine.one_core and runtime.manifest.backend == ONNXRUNTIME else 0
    staged = unit.folder / f'.{unit.name}.{os.getpid()}.tmp'
    part = staged / unit.name
    try:
        with ThreadPoolExecutor(1) as pool, BagReader(unit.source) as reader, BagWriter(
                part, like=unit.source, shown=unit.shown) as writer:
            # The thread also reads the file ahead. One slice of a bag has the hashes of all.
            files: Future[tuple[SourceFile, ...]] = pool.submit(
                source_files, unit.source, hashed=unit.is_first)
            counts = detect_in_bag(runtime, unit.task, reader, writer, unit.span, progress, depth)
            if unit.is_whole:
                check_found(counts, unit.source)
            writer.note(RECORD, Record(unit.work, files.result(), unit.span, counts).to_json())
        with writing(unit.shown):
            if not (unit.folder / unit.name).exists():
                os.rename(part, unit.folder / unit.name)
        return counts
    finally:
        shutil.rmtree(staged, ignore_errors=True)
