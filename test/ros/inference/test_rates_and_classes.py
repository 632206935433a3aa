# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parameters max_rate_hz and class_confidence, which may change while the node runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from support.graph import Graph
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference import figures
from edge_trt_ros.ros.inference.figures import StreamFigures
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.vision.thresholds import Thresholds


@pytest.mark.parametrize('camera_hz, limit_hz, expected', [
    (30.0, 0.0, 300), (30.0, 15.0, 150), (30.0, 20.0, 200), (30.0, 10.0, 100), (30.0, 60.0, 300),
    (60.0, 0.5, 5), (5.0, 30.0, 50)])
def test_a_limited_stream_has_the_rate_of_the_limit(
        monkeypatch: pytest.MonkeyPatch, camera_hz: float, limit_hz: float,
        expected: int) -> None:
    stream, random = StreamFigures(), np.random.default_rng(3)
    passed = 0
    for index in range(round(10 * camera_hz)):
        now_s = 100 + (index + random.uniform(-0.1, 0.1)) / camera_hz
        monkeypatch.setattr(figures, 'monotonic_ns', lambda: round(now_s * 1e9))
        passed += stream.is_due(limit_hz)
    assert passed == pytest.approx(expected, rel=0.02, abs=1)
    assert passed + stream.counts['dropped_for_rate'] == round(10 * camera_hz)


def test_no_burst_follows_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    stream, passed = StreamFigures(), []
    for now_s in (100.0, 500.0, *np.arange(500.01, 500.5, 0.01)):
        monkeypatch.setattr(figures, 'monotonic_ns', lambda: round(now_s * 1e9))
        if stream.is_due(10.0):
            passed.append(now_s)
    assert len(passed) <= 7


def test_the_rate_limit_is_live_and_counted(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node(max_rate_hz=0.1)
    ros.answer()
    counts = node._stream.cameras[''].figures.counts
    for number in range(1, 4):
        ros.send()
        ros.until(lambda: counts['dropped_for_rate'] == number)
    assert node.set_parameters([Parameter('max_rate_hz', value=0.0)])[0].successful
    ros.answer()
    assert counts['received'] == counts['published'] + counts['dropped_for_rate'] == 5


def scores(message: Detection2DArray) -> dict[str, list[float]]:
    """Return the scores of each class."""
    by_class: dict[str, list[float]] = {}
    for detection in message.detections:
        hypothesis = detection.results[0].hypothesis
        by_class.setdefault(hypothesis.class_id, []).append(hypothesis.score)
    return by_class


def test_classes_have_their_own_confidence(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node(confidence_threshold=0.1, max_detections=10000)
    every = scores(ros.answer())
    limit = float(np.median(every['truck']))
    assert min(every['truck']) < limit

    def set_to(*entries: str, confidence: float) -> Any:
        return node.set_parameters_atomically([
            Parameter('class_confidence', value=list(entries)),
            Parameter('confidence_threshold', value=confidence)])
    above = [score for score in every['truck'] if score >= limit]
    assert set_to(f'truck:{limit}', 'car:0.9', confidence=0.1).successful
    assert scores(ros.answer()) == {**every, 'truck': above}
    assert set_to('pedestrian:1', confidence=limit).successful
    assert scores(ros.answer()) == {'truck': above}
    assert set_to('truck:0.1', confidence=1.0).successful
    assert scores(ros.answer()) == {'truck': every['truck']}
    assert set_to(confidence=0.1).successful
    assert scores(ros.answer()) == every


@pytest.mark.parametrize('entry, sentence', [
    ('unicorn:0.5', 'contains unicorn'), ('car', "contains 'car', expected a label and a score"),
    ('car:much', 'a score'), ('car:1.5', 'from 0 to 1'), (':0.5', 'a label'), ('car:nan', '0 to')])
def test_invalid_class_confidence_is_rejected(
        ros: Graph, engine: Any, active_node: Callable[..., InferenceNode], entry: str,
        sentence: str) -> None:
    node = active_node()
    result = node.set_parameters([Parameter('class_confidence', value=[entry])])[0]
    assert not result.successful and sentence in result.reason
    ros.answer()
    other = ros.add(InferenceNode, engine_file_path=str(engine), class_confidence=[entry])
    assert other.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert sentence in other._configure_problem


def test_labels_may_contain_a_colon() -> None:
    parameters = InferenceParameters(class_confidence=('sign: stop:0.5', 'a:b:1'))
    assert parameters.confidence_by_label() == {'sign: stop': 0.5, 'a:b': 1.0}


def test_thresholds_reject_a_class_below_the_common_confidence() -> None:
    with pytest.raises(ConfigurationError, match='class_confidence'):
        Thresholds(confidence=0.5, class_confidence=(0.4, 0.6))
    kept = Thresholds(confidence=0.4, class_confidence=(0.4, 0.6), class_ids={0, 1}).accepted(
        np.array([0.5, 0.5, 0.7, 0.9], np.float32), np.array([0, 1, 1, 9]))
    assert kept.tolist() == [True, False, True, False]
