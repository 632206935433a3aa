# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Lifecycle of the inference node: transitions, invalid engines, autostart, reload."""

from __future__ import annotations

from collections.abc import Callable
import gc
from pathlib import Path
import re
import threading
from typing import Any
import weakref

from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger
from support.graph import Graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.inference.node import InferenceNode

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


def test_ten_lifecycle_rounds_leak_no_threads(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine))
    threads = threading.active_count()
    for _ in range(10):
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        assert node.trigger_deactivate() == SUCCESS
        assert node.trigger_cleanup() == SUCCESS
    assert threading.active_count() <= threads + 1
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    ros.answer()


def test_reloads_free_the_old_engine_without_the_garbage_collector(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    ros.answer()
    before = weakref.ref(node._stream.settings.runtime)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            assert ros.call(Trigger, 'inference/reload').success
        assert before() is None
    finally:
        gc.enable()
    ros.answer()


def test_failed_configures_leak_no_publishers(ros: Graph, engine: Path, tmp_path: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(tmp_path / 'none.engine'))
    publishers = len(list(node.publishers))
    for _ in range(10):
        assert node.trigger_configure() == FAILURE
    assert len(list(node.publishers)) == publishers
    node.set_parameters([Parameter('engine_file_path', value=str(engine))])
    assert node.trigger_configure() == SUCCESS


@pytest.mark.parametrize('defect, sentence', [
    ('missing', 'there is no engine file'), ('empty', 'is empty'), ('cut', 'truncated'),
    ('flipped', 'damaged'), ('foreign', 'truncated|damaged'), ('no manifest', 'has no manifest'),
    ('newer manifest', 'schema_version 99'), ('no path', 'engine_file_path is empty'),
    ('other backend', 'built for tensorrt'),
])
def test_invalid_engine_is_reported_and_can_be_replaced(
        ros: Graph, next_status: Any, engine: Path, defect: str, sentence: str) -> None:
    data, text = engine.read_bytes(), manifest_path(engine).read_text()
    node = ros.add(InferenceNode, engine_file_path='' if defect == 'no path' else str(engine))
    if defect == 'missing':
        engine.unlink()
    elif defect == 'no manifest':
        manifest_path(engine).unlink()
    elif defect == 'newer manifest':
        manifest_path(engine).write_text(
            text.replace('"schema_version": 2', '"schema_version": 99'))
    elif defect == 'other backend':
        manifest_path(engine).write_text(text.replace('"onnxruntime"', '"tensorrt"'))
    else:
        engine.write_bytes({'empty': b'', 'cut': data[:100], 'foreign': b'ftrt' * 1000}.get(
            defect, data[:50] + bytes([data[50] ^ 255]) + data[51:]))
    assert node.trigger_configure() == FAILURE
    status = next_status(lambda status: status.level == DiagnosticStatus.ERROR)
    assert re.search(sentence, status.message), status.message
    engine.write_bytes(data)
    manifest_path(engine).write_text(text)
    node.set_parameters([Parameter('engine_file_path', value=str(engine))])
    assert node.trigger_configure() == SUCCESS


def test_autostart_activates_when_the_engine_appears(
        ros: Graph, next_status: Any, engine: Path) -> None:
    hidden = engine.rename(engine.with_suffix('.hidden'))
    ros.add(InferenceNode, engine_file_path=str(engine), autostart=True)
    next_status(lambda status: 'there is no engine file' in status.message)
    hidden.rename(engine)
    ros.until(ros.images.get_subscription_count)
    ros.answer()


def test_onnx_file_runs_without_a_manifest(
        ros: Graph, active_node: Callable[..., InferenceNode], engine: Path) -> None:
    active_node(engine_file_path=str(engine.with_suffix('.onnx')))
    ros.answer()


def test_enable_service_stops_and_resumes(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    active_node()
    ros.answer()
    assert ros.call(SetBool, 'inference/enable', SetBool.Request(data=False)).success
    ros.until(lambda: ros.images.get_subscription_count() == 0)
    assert ros.call(SetBool, 'inference/enable', SetBool.Request(data=True)).success
    ros.answer()


def test_reload_swaps_the_engine_and_keeps_the_old_engine_on_failure(
        ros: Graph, active_node: Callable[..., InferenceNode], engine: Path) -> None:
    node = active_node()
    first = ros.answer()
    onnx = engine.with_suffix('.onnx')
    build_engine(save(dense_model(weight=9.0), onnx), engine, BuildOptions())
    answer = ros.call(Trigger, 'inference/reload')
    assert answer.success and 'is in use' in answer.message
    second = ros.answer()
    first_boxes, second_boxes = ([detection.bbox for detection in message.detections]
                                 for message in (first, second))
    assert first_boxes != second_boxes
    engine.write_bytes(b'ruined')
    answer = ros.call(Trigger, 'inference/reload')
    assert not answer.success and 'the old engine stays in use' in answer.message
    assert [detection.bbox for detection in ros.answer().detections] == second_boxes
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert 'configure the node' in ros.call(Trigger, 'inference/reload').message
