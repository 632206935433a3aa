"""
One build in a child process: a crash, an out-of-memory kill or a hang costs the build alone.

The child is spawned, not forked, since a fork of a process with threads and a DDS participant
is not safe. Its memory goes back to the robot when it ends, and it dies with its parent.
"""

from __future__ import annotations

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

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.layers import precisions_sentence
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.store import locked
from edge_trt_ros.errors import BuildCanceledError, BuildError, EdgeTrtError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.manifest_json import manifest_from_json

_PR_SET_PDEATHSIG = 1
_GRACE_S = 1.0


@dataclass(frozen=True)
class BuildOutcome:
    """
    How a build ended, if it did not raise.

    :param manifest: of the engine that is installed now.
    :param reason: why it was built; '' if it was fresh already.
    """

    manifest: EngineManifest
    reason: str

    def sentence(self) -> str:
        """Say what is installed, for a service's answer or a terminal."""
        manifest = self.manifest
        verified = manifest.verification
        agreement = verified.get(
            'agreement', f"{verified.get('boxes')} boxes within "
            f"{verified.get('max_box_error_px')} px")
        what = (f"{manifest.backend} {manifest.backend_version}, {manifest.options['precision']} "
                f'({precisions_sentence(manifest.layers)}), '
                f'{manifest.engine_size_bytes / 1e6:.1f} MB, verified by {verified["by"]} on '
                f'{verified["frames"]} images ({agreement})')
        if not self.reason:
            return f'fresh already: {what}'
        return f'built in {manifest.build_seconds:.1f} s since {self.reason}: {what}'


class BuildJob:
    """
    A build that runs beside the caller, who polls it.

    :param onnx_path: the ONNX file.
    :param engine_path: where the engine goes.
    :param options: what to build.
    :param force: build even if the engine is fresh.
    :param memory_limit_mb: how much data the child may hold, in MiB; 0 sets no limit.
    """

    def __init__(self, onnx_path: Path, engine_path: Path, options: BuildOptions,
                 force: bool, memory_limit_mb: int = 0) -> None:
        self.phase, self.fraction = 'starting', 0.0
        self._engine_path = engine_path
        self._started = monotonic()
        self._canceled_at: float | None = None
        self._outcome: BuildOutcome | BuildError | None = None
        context = multiprocessing.get_context('spawn')
        self._connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_build,
            args=(theirs, onnx_path, engine_path, options, force, memory_limit_mb),
            name='engine_build', daemon=True)
        self._ended, started = Event(), Event()
        Thread(target=self._start, args=(started,), daemon=True).start()
        started.wait()
        theirs.close()

    @property
    def seconds(self) -> float:
        """How long the build has been running."""
        return monotonic() - self._started

    def poll(self) -> BuildOutcome | None:
        """
        Take in what the child has said; return the outcome once it has ended.

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
        """Ask the child to end; it is killed if it does not."""
        if self._canceled_at is None:
            self._canceled_at = monotonic()
            self._process.terminate()

    def close(self) -> None:
        """Kill the child, if it still runs, and wait for it."""
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            self._sweep()
        self._ended.set()

    def _start(self, started: Event) -> None:
        """
        Start the child from a thread that gets what time is left, as the child does from it.

        A detector on the same machine goes first, and even the child's imports would cost images.

        The thread stays, since to the child it is the parent whose death would be its own.
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
                    manifest, reason = rest
                    self._outcome = BuildOutcome(
                        manifest_from_json(manifest, str(self._engine_path)), reason)
                else:
                    self._outcome = BuildError(*rest)
        except (EOFError, OSError):
            pass  # the child has ended; whether it said how is seen from the outcome

    def _sweep(self) -> None:
        try:
            with locked(self._engine_path):
                pass  # taking the lock removes what the dead child left behind
        except EdgeTrtError:
            pass  # another process builds it by now, and sweeps itself

    def _canceled(self) -> BuildCanceledError:
        return BuildCanceledError(f'canceled after {self.seconds:.1f} s in phase '
                                  f"'{self.phase}'; the engine that was there stays")

    def _exit_text(self) -> str:
        code = self._process.exitcode or 0
        if code >= 0:
            return f'exit status {code}'
        hint = ' (out of memory?)' if -code == signal.SIGKILL else ''
        return f'signal {signal.Signals(-code).name}{hint}'


def _build(connection: Connection, onnx_path: Path, engine_path: Path,
           options: BuildOptions, force: bool, memory_limit_mb: int) -> None:
    # Nobody builds for a dead node.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if memory_limit_mb:
        # Of data and not of addresses, of which CUDA reserves more than a machine has memory.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_mb << 20, resource.RLIM_INFINITY))
    # Ctrl-C in a terminal reaches the whole group; the parent decides what becomes of us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Noted, and raised at the next step: inside a library it could go anywhere.
    canceled = Event()
    signal.signal(signal.SIGTERM, lambda number, frame: canceled.set())

    def progress(phase: str, fraction: float) -> None:
        if canceled.is_set():
            raise BuildCanceledError('canceled')
        connection.send(('progress', phase, fraction))
    try:
        manifest, reason = build_engine(
            onnx_path, engine_path, options, force=force, progress=progress)
        connection.send(('done', manifest.to_json(), reason))
    except Exception as error:
        # To tell of it takes memory, too.
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY,) * 2)
        code = error.code if isinstance(error, EdgeTrtError) else ''
        connection.send(('failed', _failure(error, memory_limit_mb), code))


def _failure(error: Exception, memory_limit_mb: int) -> str:
    text = str(error)
    if isinstance(error, MemoryError) or 'allocat' in text.lower() or 'bad_alloc' in text:
        limit = f' within the {memory_limit_mb} MiB of memory_limit_mb' if memory_limit_mb else ''
        return f'the build does not find the memory that it needs{limit}'
    if isinstance(error, (EdgeTrtError, OSError)):
        return text
    return f'a bug of edge_trt_ros; please report it:\n{format_exc()}'
