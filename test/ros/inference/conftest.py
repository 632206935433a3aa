# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fixtures for tests of the inference node: a ROS graph, an engine, an active node, an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from support.graph import Graph, graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.inference.node import InferenceNode


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as started:
        yield started


@pytest.fixture()
def engine(tmp_path: Path) -> Path:
    """Return an engine of a small detector."""
    path = tmp_path / 'tiny.engine'
    build_engine(save(dense_model(), tmp_path / 'tiny.onnx'), path, BuildOptions())
    return path


@pytest.fixture()
def active_node(ros: Graph, engine: Path) -> Callable[..., InferenceNode]:
    """Return a function that starts an active node; its arguments are parameters of the node."""
    def start(**parameters: Any) -> InferenceNode:
        node = ros.add(InferenceNode, **{
            'engine_file_path': str(engine), 'confidence_threshold': 0.1, **parameters})
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
        return node
    return start


@pytest.fixture()
def next_status(ros: Graph) -> Callable[[Callable[[DiagnosticStatus], Any]], DiagnosticStatus]:
    """Return a function that waits for an entry of /diagnostics that satisfies a condition."""
    def wait(condition: Callable[[DiagnosticStatus], Any]) -> DiagnosticStatus:
        found: list[DiagnosticStatus] = []
        subscription = ros.peer.create_subscription(
            DiagnosticArray, '/diagnostics', lambda message: found.extend(
                status for status in message.status if condition(status)), 10)
        ros.until(lambda: found)
        ros.peer.destroy_subscription(subscription)
        return found[0]
    return wait


@pytest.fixture()
def picture() -> np.ndarray:
    """Return noise, bgr8, 160 pixels wide and 90 high."""
    return np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
