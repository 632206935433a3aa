# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Nodes as processes: invalid arguments, and signals at any time."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys
from time import monotonic, sleep

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions

# `make test-signals` sets a larger number.
MOMENTS = int(os.environ.get('EDGE_TRT_ROS_SIGNALS', 5))
NODES = ('inference_node', 'engine_builder_node', 'detections_3d_node')


def process(node: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, '-m', 'edge_trt_ros', node, '--ros-args', *arguments],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize('node', NODES)
@pytest.mark.parametrize('content', [None, '/**:\n  ros__parameters:\n    a: [1, "b"]\n', '- ]'])
def test_an_invalid_parameters_file_is_one_sentence(
        tmp_path: Path, node: str, content: str | None) -> None:
    path = tmp_path / 'parameters.yaml'
    if content is not None:
        path.write_text(content)
    started = process(node, '--params-file', str(path))
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 1 and 'Traceback' not in errors
    assert f'{node}: ROS cannot read its arguments' in errors and str(path) in errors
    assert 'correct the YAML file' in errors


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('engine')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(backend='onnxruntime'))
    return folder / 'm.engine'


@pytest.mark.parametrize('moment', range(MOMENTS))
def test_a_signal_ends_a_node_at_any_time(engine: Path, moment: int) -> None:
    number = (signal.SIGINT, signal.SIGTERM)[moment % 2]
    delay_s = 0.2 + 2.0 * moment / MOMENTS
    started = process('inference_node', '-p', 'autostart:=true', '-p',
                      f'engine_file_path:={engine}')
    sleep(delay_s)
    sent = monotonic()
    started.send_signal(number)
    _, errors = started.communicate(timeout=60)
    # Half a second on an idle machine.
    assert monotonic() - sent < 5.0
    # Python itself needs a moment until a signal is handled.
    assert started.returncode in (0, -number) and 'Traceback' not in errors
