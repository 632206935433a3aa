# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared by the nodes: SIGINT and SIGTERM end a node at any time, without a traceback."""

from __future__ import annotations

from collections.abc import Callable
import os
import signal

from edge_trt_ros.cli._command import run_command


def run_node(work: Callable[[Callable[[], None]], None]) -> None:
    """
    Run a node and exit (see `run_command`).

    :param work: imports, creates and spins the node; its argument is to be called when the node
        holds resources, so that a signal has to release them.
    """
    signals = _Signals()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signals)
    run_command(lambda: work(signals.interrupt_from_now_on))


class _Signals:
    """
    Ends the process at once while libraries load, and by KeyboardInterrupt later.

    rclpy puts its own handler in front of this one when it starts. Python's own handlers would
    print a traceback from within an import, and would ignore SIGTERM during a long callback.
    """

    def __init__(self) -> None:
        self._interrupts = False
        self._is_ending = False

    def interrupt_from_now_on(self) -> None:
        self._interrupts = True

    def __call__(self, number: int, frame: object) -> None:
        if not self._interrupts:
            os._exit(0)
        if not self._is_ending:  # a second signal must not disturb the release of resources
            self._is_ending = True
            raise KeyboardInterrupt
