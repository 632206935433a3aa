# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs an engine on all bags of an archive, resumes what was interrupted, and reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_trt_ros.errors import BagError, EdgeTrtError, EngineError
from edge_trt_ros.ros.bags.archive import find_bags, FoundBag
from edge_trt_ros.ros.bags.detect import check_found
from edge_trt_ros.ros.bags.processes import Runner
from edge_trt_ros.ros.bags.record import source_paths, work_key
from edge_trt_ros.ros.bags.report import BagReport, DONE, FAILED, Report, SKIPPED
from edge_trt_ros.ros.bags.results import check_namespace
from edge_trt_ros.ros.bags.target import BagTarget
from edge_trt_ros.ros.bags.task import BagTask, Counts, Span
from edge_trt_ros.ros.bags.unit import EngineChoice, Outcome, Unit
from edge_trt_ros.sources.bags import BagReader, is_bag

# A bag that is larger is done in slices of about this size, by all processes. The slices depend
# on the bag alone, so that the result is the same with any number of processes.
SLICE_BYTES = 512 << 20
# Called with the fraction of all bytes that is done, and the numbers of bags done and of all.
Progress = Callable[[float, int, int], None]


@dataclass
class _Bag:
    """A bag in work: its slices, and the numbers of those that are to be done and in work."""

    found: FoundBag
    target: BagTarget
    size_bytes: int
    spans: list[Span] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    has_failed: bool = False


class ArchiveRun:
    """
    A run over all bags of an archive.

    :param sources: bags, folders of bags, or globs.
    :param target: the bag to write if the source is one bag; else the folder of all bags.
    :param engine: the engine.
    :param task: what to do with each bag.
    :param slice_bytes: size from which a bag is done in slices.
    :raises BagError: if there are no bags, or the namespace is invalid.
    """

    def __init__(self, sources: Sequence[str], target: Path, engine: EngineChoice, task: BagTask,
                 slice_bytes: int = SLICE_BYTES) -> None:
        check_namespace(task.namespace)
        if len(sources) == 1 and is_bag(Path(sources[0])):
            self.bags = [FoundBag(Path(sources[0]), Path(target.name))]
            self._folder = target.parent
        else:
            self.bags = find_bags(sources, target)
            self._folder = target
        self._engine, self._task, self._slice_bytes = engine, task, slice_bytes
        self._work = work_key(engine.path, engine.backend, task)
        self._open: dict[Path, _Bag] = {}
        # Bytes that are done, by bag and slice.
        self._done: dict[tuple[Path, str], float] = {}
        self.report = Report()
        self._sizes = {bag.source: _size(bag.source) for bag in self.bags}

    @property
    def is_one_unit(self) -> bool:
        """Whether there is nothing that a second process could do."""
        return len(self.bags) == 1 and self._slices(self._sizes[self.bags[0].source]) == 1

    def run(self, runner: Runner, progress: Progress = lambda fraction, done, total: None,
            *, one_core: bool = False) -> Report:
        """
        Do all bags.

        :param runner: runs the units.
        :param progress: called with the progress over all.
        :param one_core: whether each unit has one core.
        :raises EngineError: if the engine cannot be used.
        """
        self._engine = replace(self._engine, one_core=one_core)
        total = max(1, sum(self._sizes.values()))

        def show() -> None:
            progress(sum(self._done.values()) / total, len(self.report.bags), len(self.bags))

        def unit_progress(unit: Unit, fraction: float) -> None:
            self._done[unit.source, unit.name] = fraction * unit.size_bytes
            show()
        try:
            with closing(runner(self._units(), unit_progress)) as results:
                for unit, outcome in results:
                    unit_progress(unit, 1.0)
                    self._ended(unit, outcome)
            show()
        finally:
            for bag in self._open.values():
                bag.target.close(keep=True)
        self.report.bags.sort(key=lambda row: row.bag)
        return self.report

    def _units(self) -> Iterator[Unit]:
        for found in self.bags:
            bag = _Bag(found, BagTarget(self._folder / found.name, self._work, found.source),
                       self._sizes[found.source])
            try:
                counts = bag.target.finished()
                if counts is not None:
                    self._report(bag, SKIPPED, counts)
                    continue
                bag.target.open()
                self._open[found.source] = bag
                bag.spans = self._spans(bag)
                bag.waiting = {index for index, span in enumerate(bag.spans)
                               if bag.target.part(index, span) is None}
                if not bag.waiting:
                    self._finish(bag)
            except (EdgeTrtError, OSError) as error:
                self._fail(bag, str(error), getattr(error, 'code', ''))
                continue
            for index in sorted(bag.waiting):
                if not bag.has_failed:
                    bag.running.add(index)
                    yield self._unit(bag, index)

    def _unit(self, bag: _Bag, index: int) -> Unit:
        return Unit(
            self._engine, self._task, self._work, bag.found.source, bag.target.folder,
            bag.target.part_name(index), bag.target.path, bag.spans[index], is_first=index == 0,
            is_whole=len(bag.spans) == 1, size_bytes=bag.size_bytes // len(bag.spans))

    def _slices(self, size_bytes: int) -> int:
        # Tracks go on from image to image, so one process must see them all.
        return 1 if self._task.track else max(1, round(size_bytes / self._slice_bytes))

    def _spans(self, bag: _Bag) -> list[Span]:
        count = self._slices(bag.size_bytes)
        if count == 1:
            return [Span()]
        with BagReader(bag.found.source) as reader:
            start_ns, stop_ns = reader.times_ns()
        edges = [None, *(start_ns + (stop_ns - start_ns) * index // count
                         for index in range(1, count)), None]
        return [Span(start, stop) for start, stop in zip(edges, edges[1:])]

    def _ended(self, unit: Unit, outcome: Outcome) -> None:
        if outcome.ends_run:
            raise EngineError(outcome.message, outcome.code)
        bag = self._open[unit.source]
        index = int(unit.name.rpartition('_')[2])
        bag.running.discard(index)
        bag.waiting.discard(index)
        try:
            if outcome.counts is None or bag.has_failed:
                self._fail(bag, outcome.message, outcome.code)
            elif not bag.waiting:
                self._finish(bag)
        except (EdgeTrtError, OSError) as error:
            self._fail(bag, str(error), getattr(error, 'code', ''))

    def _finish(self, bag: _Bag) -> None:
        counts = Counts()
        for index, span in enumerate(bag.spans):
            part = bag.target.part(index, span)
            if part is None:
                raise BagError(f'a slice of {bag.target.path} is gone: run the command again')
            counts.add(part)
        check_found(counts, bag.found.source)
        bag.target.finish(bag.spans)
        bag.target.close(keep=False)
        self._report(bag, DONE, counts)

    def _fail(self, bag: _Bag, message: str, code: str) -> None:
        if not bag.has_failed:
            bag.has_failed = True
            self._report(bag, FAILED, Counts(), message, code)
        if not bag.running:  # other processes may still write slices of it
            bag.target.close(keep=False)

    def _report(self, bag: _Bag, state: str, counts: Counts, reason: str = '', code: str = ''
                ) -> None:
        for index in range(len(bag.spans)):
            self._done.pop((bag.found.source, bag.target.part_name(index)), None)
        self._done[bag.found.source, ''] = bag.size_bytes
        self.report.bags.append(BagReport(
            str(bag.found.name), bag.target.path, state, counts, reason, code))


def _size(source: Path) -> int:
    try:
        return sum(path.stat().st_size for path in source_paths(source))
    except OSError:
        return 0  # the unit explains it
