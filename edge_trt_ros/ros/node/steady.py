# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Timers on the steady clock, which run while the time of a simulation stands or jumps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node


def create_steady_timer(node: Node, period_s: float, callback: Callable[[], None]) -> Any:
    """
    Create a timer that follows the steady clock, not `/clock`.

    :param node: the node.
    :param period_s: period in seconds.
    :param callback: called in each period.
    """
    return node.create_timer(period_s, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))
