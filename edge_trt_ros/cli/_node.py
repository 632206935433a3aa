# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by the nodes: SIGINT and SIGTERM end a node at any time, without a traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
import os
import signal
from threading import Thread
from time import sleep

from edge_trt_ros.cli._command import run_command

# A node that still waits for an engine to open after this time ends without waiting.
_GRACE_S = 0.3

# A context in which rclpy spins.
Spinning = Callable[[], AbstractContextManager[None]]


def run_node(work: Callable[[Spinning], None]) -> None:
    """
    Run a node and exit (see `run_command`).

    :param work: imports, creates and spins the node, the latter in the context of its argument;
        releases the node's resources after it.
    """
    signals = _Signals()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signals)
    try:
        run_command(lambda: work(signals.spinning))
    finally:
        signals.is_releasing = False


class _Signals:
    """
    Ends the process at once while libraries load, and after the release of resources later.

    rclpy puts its own handler in front of this one when it starts, which ends spinning. Python's
    own handlers would print a traceback from within an import, or from within rclpy.

    :ivar is_releasing: whether the node releases its resources.
    """

    def __init__(self) -> None:
        self._is_starting = True
        self.is_releasing = False
        # Python writes the number of a signal there even if the main thread is in a C function.
        pipe, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        Thread(target=self._end, args=(pipe,), daemon=True).start()

    @contextmanager
    def spinning(self) -> Iterator[None]:
        self._is_starting = False
        try:
            yield
        finally:
            self.is_releasing = True

    def __call__(self, number: int, frame: object) -> None:
        if self._is_starting:
            os._exit(0)

    def _end(self, pipe: int) -> None:
        """
        End the process if an engine is being opened: that takes seconds on a GPU.

        The main thread opens an engine to configure the node and would see the signal after it;
        the interpreter would wait for another thread that opens one to reload it.
        """
        os.read(pipe, 1)
        sleep(_GRACE_S)
        while self.is_releasing:
            sleep(0.01)
        os._exit(0)
