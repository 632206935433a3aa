# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The levels in /diagnostics follow the limits that the operator sets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.parameter import Parameter
from support.graph import Graph
from support.machines import write

from edge_trt_ros.ros.inference import stream_status
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.runtime.jetson_board import board_state

OK, WARN = DiagnosticStatus.OK, DiagnosticStatus.WARN
ERROR, STALE = DiagnosticStatus.ERROR, DiagnosticStatus.STALE


def test_levels_follow_rate_and_age(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()

    def level(word: str, **limits: float) -> bytes:
        node.set_parameters([Parameter(name, value=value) for name, value in limits.items()])
        for _ in range(4):
            ros.answer()
        return bytes(next_status(
            lambda status: word in status.message and 'no images' not in status.message).level)
    ros.answer()
    assert level('results per second', health_min_rate_hz=0.001, health_max_age_ms=60000.0) == OK
    assert level('health_min_rate_hz is 1000', health_min_rate_hz=1000.0) == ERROR
    assert level('results per second', health_min_rate_hz=0.0) == OK
    assert level('health_max_age_ms is 0.01', health_max_age_ms=0.01) == ERROR


def test_a_silent_camera_is_stale(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node(health_stale_after_s=2.5)
    ros.answer()
    status = next_status(lambda status: 'no images' in status.message)
    assert status.level == WARN and 'start the camera driver' in status.message
    status = next_status(lambda status: status.level == STALE)
    assert 'no images on /image for' in status.message
    node.set_parameters([Parameter('health_stale_after_s', value=0.0)])
    ros.spin(1.1)
    assert next_status(lambda status: 'no images' in status.message).level == WARN
    ros.answer()
    assert next_status(lambda status: 'no images' not in status.message).level == OK


def test_the_gravest_problem_comes_first(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode]) -> None:
    active_node(health_max_age_ms=0.01)

    def both() -> bool:
        ros.answer()
        ros.send(step=1)
        ros.spin(0.05)
        return True
    ros.until(both)
    for _ in range(20):
        both()
    status = next_status(lambda status: 'step is 1' in status.message
                         and 'health_max_age_ms' in status.message)
    assert status.level == ERROR and status.message.startswith('a frame was skipped')


def test_power_mode_of_a_jetson_is_shown(
        ros: Graph, next_status: Any, active_node: Callable[..., InferenceNode], tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {'etc/nvpmodel.conf': '< POWER_MODEL ID=0 NAME=MAXN >\n',
                     'var/lib/nvpmodel/status': 'pmode:0000'})
    monkeypatch.setattr(stream_status, 'board_state', lambda: board_state(tmp_path))
    active_node()
    ros.answer()
    status = next_status(lambda status: any(
        value.key == 'power_mode' for value in status.values))
    values = {value.key: value.value for value in status.values}
    assert values['power_mode'] == 'MAXN' and values['clocks'] == 'unknown'
