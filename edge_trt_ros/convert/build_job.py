# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Run a build in a child process: a crash, an out-of-memory kill or a hang ends only the build.

The child is spawned, not forked: forking a process with threads and a DDS participant is not
safe. Its memory is freed when it ends, and the kernel kills it when its parent dies.
"""

from __future__ import annotations

from collections.abc import Mapping
import ctypes
from dataclasses import dataclass
import multiprocessing
from multiprocessing.connection import Connection
import os
from pathlib import Path
import resource
import signal
from threading import Event, Thread
from time import monotonic
from traceback import format_exc
from typing import Any

from edge_trt_ros import verification
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.destination import ServeDestination
from edge_trt_ros.convert.store import locked
from edge_trt_ros.errors import BuildCanceledError, BuildError, EdgeTrtError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.optional_libraries import require_converter

_PR_SET_PDEATHSIG = 1
_GRACE_S = 1.0


@dataclass(frozen=True)
class BuildOutcome:
    """
    The result of a successful build.

    :param manifest: manifest of the installed engine.
    :param reason: why it was built; '' if it was fresh already.
    :param served: what was written for a server; '' if nothing was.
    """

    manifest: EngineManifest
    reason: str
    served: str = ''

    @property
    def warning(self) -> str:
        """Why the engine is not verified, and what to do; '' if it is."""
        return verification.warning(self.manifest.verification)

    def sentence(self) -> str:
        """Return a description of the installed engine, for a service response or a terminal."""
        manifest = self.manifest
        text = (f"{manifest.backend} {manifest.backend_version}, {manifest.options['precision']} "
                f'({_precisions_text(manifest.layers)}), '
                f'{manifest.engine_size_bytes / 1e6:.1f} MB, '
                f'{verification.sentence(manifest.verification)}; '
                f"reads {' and '.join(map(str, manifest.input_kinds))}")
        if self.served:
            text = f'{text}; {self.served}'
        if not self.reason:
            return f'fresh already: {text}'
        return f'built in {manifest.build_seconds:.1f} s since {self.reason}: {text}'


class BuildJob:
    """
    A build in the background; the caller polls it.

    :param onnx_path: the ONNX file.
    :param engine_path: path of the installed engine.
    :param options: what to build.
    :param force: build even if the engine is fresh.
    :param serve: where the engine is served; None for nowhere.
    :param memory_limit_mb: maximum data size (RLIMIT_DATA) of the child in MiB; 0 sets no limit.
    """

    def __init__(self, onnx_path: Path, engine_path: Path, options: BuildOptions,
                 force: bool, memory_limit_mb: int = 0, serve: ServeDestination | None = None
                 ) -> None:
        self.phase, self.fraction = 'starting', 0.0
        self._engine_path = engine_path
        self._started = monotonic()
        self._canceled_at: float | None = None
        self._outcome: BuildOutcome | BuildError | None = None
        context = multiprocessing.get_context('spawn')
        self._connection, child_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_build,
            args=(child_end, onnx_path, engine_path, options, force, memory_limit_mb, serve),
            name='engine_build', daemon=True)
        self._ended, started = Event(), Event()
        Thread(target=self._start, args=(started,), daemon=True).start()
        started.wait()
        child_end.close()

    @property
    def seconds(self) -> float:
        """How long the build has been running."""
        return monotonic() - self._started

    def poll(self) -> BuildOutcome | None:
        """
        Read the child's messages; return the outcome once it has ended.

        :raises BuildError: if the build failed or was canceled.
        """
        self._receive()
        if self._process.is_alive():
            if self._canceled_at and monotonic() - self._canceled_at > _GRACE_S:
                self._process.kill()
            return None
        self._receive()
        self._process.join()
        self._ended.set()
        self._connection.close()
        if self._outcome is None:
            self._sweep()
            if self._canceled_at:
                raise self._canceled()
            raise BuildError(f'the build process ended with {self._exit_text()} in phase '
                             f"'{self.phase}'; the engine that was there stays")
        if isinstance(self._outcome, BuildError):
            if self._canceled_at:
                raise self._canceled()
            raise self._outcome
        return self._outcome

    def cancel(self) -> None:
        """Ask the child to end; `poll` kills it if it still runs a second later."""
        if self._canceled_at is None:
            self._canceled_at = monotonic()
            self._process.terminate()

    def close(self) -> None:
        """Kill the child if it still runs, and wait for it."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            self._sweep()
        self._ended.set()

    def _start(self, started: Event) -> None:
        """
        Start the child from a thread with SCHED_IDLE, which the child inherits.

        A detector on the same machine has priority: even the child's imports would drop images.

        Keep this thread alive: PR_SET_PDEATHSIG kills the child when the thread that spawned it
        exits.
        """
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        try:
            self._process.start()
        finally:
            started.set()
        self._ended.wait()

    def _receive(self) -> None:
        try:
            while self._connection.poll():
                kind, *rest = self._connection.recv()
                if kind == 'progress':
                    self.phase, self.fraction = rest
                elif kind == 'done':
                    manifest, reason, served = rest
                    self._outcome = BuildOutcome(
                        manifest_from_json(manifest, str(self._engine_path)), reason, served)
                else:
                    self._outcome = BuildError(*rest)
        except (EOFError, OSError):
            pass  # the child has ended; without an outcome, `poll` reports its exit status

    def _sweep(self) -> None:
        try:
            with locked(self._engine_path):
                pass  # acquiring the lock removes the temporary files of the dead child
        except EdgeTrtError:
            pass  # another process is building this engine and has removed them

    def _canceled(self) -> BuildCanceledError:
        return BuildCanceledError(f'canceled after {self.seconds:.1f} s in phase '
                                  f"'{self.phase}'; the engine that was there stays")

    def _exit_text(self) -> str:
        code = self._process.exitcode or 0
        if code >= 0:
            return f'exit status {code}'
        hint = ' (out of memory?)' if -code == signal.SIGKILL else ''
        return f'signal {signal.Signals(-code).name}{hint}'


def _precisions_text(layers: Mapping[str, Any]) -> str:
    """Return the precisions of a manifest's layers: 'fp16 87 %, fp32 13 % of 90 layers'."""
    total = layers['layers']
    parts = [f'{name} {100 * count / total:.0f} %' for name, count in layers['precisions'].items()]
    return f"{', '.join(parts)} of {total} layers" if parts else 'no computing layers'


def _build(connection: Connection, onnx_path: Path, engine_path: Path,
           options: BuildOptions, force: bool, memory_limit_mb: int,
           serve: ServeDestination | None) -> None:
    # Kill this process when its parent dies.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if memory_limit_mb:
        # Limit data, not address space: CUDA reserves more addresses than the machine has memory.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_mb << 20, resource.RLIM_INFINITY))
    # Ctrl-C in a terminal signals the whole process group; the parent cancels this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Only set a flag and raise at the next progress call: libraries are not safe to interrupt.
    canceled = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: canceled.set())

    def progress(phase: str, fraction: float) -> None:
        if canceled.is_set():
            raise BuildCanceledError('canceled')
        connection.send(('progress', phase, fraction))
    try:
        require_converter(f'converting {onnx_path}')
        # Only the child imports the converter and onnx: the parent may be a node.
        from edge_trt_ros.convert.build import build_engine
        manifest, reason = build_engine(
            onnx_path, engine_path, options, force=force, progress=progress)
        served = ''
        if serve is not None:
            progress('serve', 1.0)
            served = serve.serve(engine_path)
        connection.send(('done', manifest.to_json(), reason, served))
    except Exception as error:
        # Sending the error needs memory as well.
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
        code = error.code if isinstance(error, EdgeTrtError) else ''
        connection.send(('failed', _failure(error, memory_limit_mb), code))


def _failure(error: Exception, memory_limit_mb: int) -> str:
    text = str(error)
    if isinstance(error, MemoryError) or 'allocat' in text.lower() or 'bad_alloc' in text:
        limit = f' within the {memory_limit_mb} MiB of memory_limit_mb' if memory_limit_mb else ''
        return f'there is not enough memory for the build{limit}'
    if isinstance(error, (EdgeTrtError, OSError)):
        return text
    return f'a bug of edge_trt_ros; please report it:\n{format_exc()}'
