# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by the nodes: SIGINT and SIGTERM end a node at any time, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
import os
import signal
from threading import Thread
from time import sleep

from edge_trt_ros.cli._command import run_command

# A node that still waits for an engine to open after this time ends without waiting.
_GRACE_S = 0.3


def run_node(work: Callable[[Callable[[], None]], None]) -> None:
    """
    Run a node and exit (see `run_command`).

    :param work: imports, creates and spins the node; its argument is to be called when the node
        holds resources, so that a signal has to release them.
    """
    signals = _Signals()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signals)
    try:
        run_command(lambda: work(signals.interrupt_from_now_on))
    finally:
        signals.is_releasing = False


class _Signals:
    """
    Ends the process at once while libraries load, and by KeyboardInterrupt later.

    rclpy puts its own handler in front of this one when it starts. Python's own handlers would
    print a traceback from within an import, and would ignore SIGTERM during a long callback.

    :ivar is_releasing: whether the node releases its resources because of a signal.
    """

    def __init__(self) -> None:
        self._interrupts = False
        self._is_ending = False
        self.is_releasing = False
        # Python writes the number of a signal there even if the main thread is in a C function.
        pipe, written = os.pipe()
        os.set_blocking(written, False)
        signal.set_wakeup_fd(written, warn_on_full_buffer=False)
        Thread(target=self._end, args=(pipe,), daemon=True).start()

    def interrupt_from_now_on(self) -> None:
        self._interrupts = True

    def __call__(self, number: int, frame: object) -> None:
        if not self._interrupts:
            os._exit(0)
        if not self._is_ending:  # a second signal must not disturb the release of resources
            self._is_ending = self.is_releasing = True
            raise KeyboardInterrupt

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
