# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The nodes on a machine without onnx or ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
import sys
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from support.blocked import environment_without
from support.graph import Graph, graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ImageError
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.messages.image import frame_from_image


@pytest.fixture(name='ros')
def started_graph() -> Any:
    with graph() as started:
        yield started


@pytest.mark.parametrize('missing, suffix', [
    ('onnxruntime', '.engine'), ('onnxruntime', '.onnx'), ('onnx', '.onnx')])
def test_configure_fails_with_the_command(ros: Graph, tmp_path: Path, missing: str, suffix: str,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    build_engine(path, tmp_path / 'm.engine', BuildOptions(backend='onnxruntime'))
    node = ros.add(InferenceNode, engine_file_path=str(path.with_suffix(suffix)))
    with monkeypatch.context() as without:
        without.setitem(sys.modules, missing, None)
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert 'is not installed: pip install' in node._configure_problem
    assert f'[{missing}_missing]' in node._configure_problem
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_a_rare_encoding_without_cv_bridge(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'cv_bridge', None)
    message = Image(width=4, height=2, encoding='bayer_rggb8', step=4, data=bytes(8))
    with pytest.raises(ImageError, match='its conversion needs cv_bridge, which is not') as caught:
        frame_from_image(message, '/camera')
    assert caught.value.code == 'cv_bridge_missing' and 'sudo apt install' in str(caught.value)


@pytest.mark.parametrize('missing', ['onnx', 'onnxruntime'])
def test_a_build_fails_with_the_command(ros: Graph, tmp_path: Path, missing: str,
                                        monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    ros.add(EngineBuilderNode, models=['a'], a__onnx_file_path=str(path),
            a__engine_file_path=str(tmp_path / 'm.engine'), allowed_directories=[str(tmp_path)])
    # The child process that builds inherits this environment.
    for name, value in environment_without(tmp_path, missing).items():
        monkeypatch.setenv(name, value)
    answer = ros.call(Trigger, 'engine_builder/a/build')
    assert not answer.success and f'[{missing}_missing]' in answer.message
    assert 'm.onnx needs' in answer.message and 'pip install' in answer.message
