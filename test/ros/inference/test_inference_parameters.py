# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Parameters of the inference node: live changes, invalid values, unknown names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import sys

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from support.graph import Graph

from edge_trt_ros.ros.inference.node import InferenceNode

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def test_live_parameters_change_and_invalid_values_are_rejected(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    count = len(ros.answer().detections)
    for name, value, valid in (
            ('max_detections', 1, True), ('confidence_threshold', 1.5, False),
            ('nms_threshold', -0.1, False), ('class_names', ['dragon'], False),
            ('engine_file_path', '/elsewhere', False), ('image_transport', 'pigeon', False),
            ('max_detections', 0, False)):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert result.successful == valid, (name, result.reason)
        assert valid or result.reason
    assert len(ros.answer().detections) == 1 < count
    node.set_parameters([Parameter('max_detections', value=300),
                         Parameter('class_names', value=['truck'])])
    assert {detection.results[0].hypothesis.class_id
            for detection in ros.answer().detections} <= {'truck'}
    node.set_parameters([Parameter('class_names', value=[])])
    assert len(ros.answer().detections) == count


def test_invalid_values_fail_configure_until_they_are_corrected(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidence_threshold=7.0,
                   nms_threshold='high')
    assert node.trigger_configure() == FAILURE
    assert 'confidence_threshold' in node._configure_problem
    assert 'nms_threshold' in node._configure_problem
    node.set_parameters([Parameter('confidence_threshold', value=0.5),
                         Parameter('nms_threshold', value=0.5)])
    assert node.trigger_configure() == SUCCESS


def test_unknown_parameter_is_reported_with_the_nearest_name(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidense_threshold=0.5)
    assert node.trigger_configure() == FAILURE
    assert "'confidense_threshold' (is 'confidence_threshold' meant?)" in node._configure_problem


def test_missing_tracker_fails_configure(
        ros: Graph, engine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'edgefirst.tracker', None)
    node = ros.add(InferenceNode, engine_file_path=str(engine), track=True)
    assert node.trigger_configure() == FAILURE
    assert 'pip install edgefirst-tracker' in node._configure_problem
    node.set_parameters([Parameter('track', value=False)])
    assert node.trigger_configure() == SUCCESS
    assert 'tracking is off' in ros.call(Trigger, 'inference/reset_tracks').message
