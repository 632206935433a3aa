# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Runs units in processes of this machine, each of which keeps its engine open.

A process that crashes costs the unit that it worked on; another one takes its place. The
processes are spawned, not forked, and the kernel ends them when this process ends.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
import ctypes
import multiprocessing
from multiprocessing.connection import Connection, wait
import os
import signal
from time import monotonic
from typing import Any

from edge_trt_ros.ros.bags.unit import close_engine, Outcome, run_unit, Unit
from edge_trt_ros.vision.letterbox import use_one_core

# Called with a unit and the fraction of it that is done.
UnitProgress = Callable[[Unit, float], None]
Results = Generator[tuple[Unit, Outcome], None, None]
# A way to run units: yields each of them with its outcome, in any order.
Runner = Callable[[Iterator[Unit], UnitProgress], Results]
_PR_SET_PDEATHSIG = 1
_REPORT_S = 0.2


def run_here(units: Iterator[Unit], progress: UnitProgress) -> Results:
    """Run units in this process, one after the other."""
    try:
        for unit in units:
            yield unit, run_unit(unit, lambda fraction: progress(unit, fraction))
    finally:
        close_engine()


def run_in_processes(units: Iterator[Unit], progress: UnitProgress, count: int) -> Results:
    """
    Run units in processes of this machine.

    :param units: the units; taken when a process is free.
    :param progress: called with the progress of a unit.
    :param count: number of processes; fewer are started for fewer units.
    """
    idle: list[_Process] = []
    busy: dict[Connection, _Process] = {}
    is_over = False
    try:
        while True:
            while not is_over and len(busy) < count:
                unit = next(units, None)
                if unit is None:
                    is_over = True
                    break
                process = idle.pop() if idle else _Process()
                process.begin(unit)
                busy[process.connection] = process
            if not busy:
                return
            for connection in wait(list(busy)):
                process = busy[connection]  # type: ignore[index]
                outcome = process.receive(progress)
                if outcome is not None:
                    del busy[process.connection]
                    if process.is_alive:
                        idle.append(process)
                    yield process.unit, outcome
    finally:
        for process in (*idle, *busy.values()):
            process.close()


class _Process:
    """A process that does one unit at a time."""

    unit: Unit

    def __init__(self) -> None:
        context = multiprocessing.get_context('spawn')
        self.connection, child = context.Pipe()
        self._process = context.Process(target=_work, args=(child,), daemon=True)
        self._process.start()
        child.close()
        self.is_alive = True

    def begin(self, unit: Unit) -> None:
        """Give it a unit."""
        self.unit = unit
        try:
            self.connection.send(unit)
        except OSError:
            pass  # it has ended; `receive` says how

    def receive(self, progress: UnitProgress) -> Outcome | None:
        """Read a message; return the outcome of the unit, if it is one."""
        try:
            message: Any = self.connection.recv()
        except (EOFError, OSError):
            return self._lost()
        if isinstance(message, Outcome):
            return message
        progress(self.unit, message)
        return None

    def close(self) -> None:
        """End it at once: a finished slice appears with one rename, the others are removed."""
        self._process.kill()
        self._process.join()
        self.connection.close()

    def _lost(self) -> Outcome:
        self._process.join()
        self.is_alive = False
        self.connection.close()
        status = self._process.exitcode or 0
        how = signal.Signals(-status).name if status < 0 else f'exit status {status}'
        hint = ' (out of memory?)' if -status == signal.SIGKILL else ''
        return Outcome(None, f'the process that worked on {self.unit.source} ended with '
                       f'{how}{hint}: look into the system log, use fewer --workers, or check '
                       'the bag', 'bag_process_lost')


def _work(connection: Connection) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() == 1:
        return  # the parent ended before the call above
    # Ctrl-C in a terminal signals all processes of the command; the parent ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    use_one_core()
    reported_at = 0.0

    def progress(fraction: float) -> None:
        nonlocal reported_at
        if monotonic() - reported_at > _REPORT_S:
            reported_at = monotonic()
            connection.send(fraction)
    try:
        while True:
            connection.send(run_unit(connection.recv(), progress))
    except (EOFError, OSError):
        pass  # the parent has ended
