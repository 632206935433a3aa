# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The commands on machines without ROS, onnx or ONNX Runtime."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import cv2
import pytest
from support.blocked import environment_without, ROS
from support.frames import noise_frame
from support.models import dense_model, save
from support.text_models import save_text_model

ONNX = ('onnx', 'onnxruntime')
NEEDS_ROS = (('inference_node',), ('engine_builder_node',), ('detections_3d_node',),
             ('synthetic_camera',), ('scoreboard',), ('demo',),
             ('detect_bag', 'm.engine', 'bag', 'out'), ('benchmark', '--transport', '1'),
             ('benchmark', '--soak', '1'), ('benchmark', 'm.engine', '--frames', '1',
                                            '--source', '64x64', '--node', '1'))
NEEDS_CONVERTER = (('build_engine', 'm.onnx', '-o', 'n.engine'),
                   ('build_engine', 'm.onnx', '--check'), ('detect', 'm.onnx', 'a.png'),
                   ('verify_engine', 'm.engine'), ('accuracy_report', 'm.onnx', '--images', '.'),
                   ('export_onnx', 'net:make', '-o', 'n.onnx', '--input-shape', '1x3x64x64'))


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with m.onnx, a.png, and m.engine that was built without ROS."""
    folder = tmp_path_factory.mktemp('without')
    save(dense_model(), folder / 'm.onnx')
    cv2.imwrite(str(folder / 'a.png'), noise_frame().pixels)
    run(folder, ROS, 'build_engine', 'm.onnx', '-o', 'm.engine', '--backend', 'onnxruntime')
    return folder


def run(folder: Path, without: tuple[str, ...], *arguments: str, status: int = 0) -> str:
    """Run a command without libraries; return stdout, or stderr if an error is expected."""
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', *arguments], capture_output=True, text=True,
        timeout=100, cwd=folder, env=environment_without(folder, *without))
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def test_commands_that_need_no_ros(folder: Path) -> None:
    found = json.loads(run(folder, ROS, 'detect', 'm.engine', 'a.png', '--confidence', '0.1'))
    assert found['detections'] and found['size_wh'] == [160, 90]
    assert found['detections'] == json.loads(
        run(folder, ROS, 'detect', 'm.onnx', 'a.png', '--confidence', '0.1'))['detections']
    assert 'loads on CPU' in run(folder, ROS, 'inspect_engine', 'm.engine')
    assert 'verified by onnxruntime' in run(folder, ROS, 'verify_engine', 'm.engine')
    report = json.loads(run(folder, ROS, 'benchmark', 'm.engine', '--frames', '5', '--source',
                            '64x64', '--json'))
    assert 'network' in report['engine']['stages_ms']
    assert 'message' not in report['engine']['stages_ms']
    assert 'agreement (F1)' in run(folder, ROS, 'accuracy_report', 'm.onnx', '--images', '.',
                                   '--precisions', 'fp32')


@pytest.mark.parametrize('arguments', NEEDS_ROS, ids=' '.join)
def test_commands_that_need_ros(arguments: tuple[str, ...], folder: Path) -> None:
    sentence = run(folder, ROS, *arguments, status=1)
    assert 'needs ROS 2, which is not installed: run `source /opt/ros/' in sentence
    assert sentence.endswith('[ros_missing]\n') and len(sentence.splitlines()) == 1


def test_messages_that_are_missing(folder: Path) -> None:
    sentence = run(folder, ('vision_msgs',), 'inference_node', status=1)
    assert 'this node needs vision_msgs, which is not installed: sudo apt' in sentence


@pytest.mark.parametrize('missing', ONNX)
@pytest.mark.parametrize('arguments', NEEDS_CONVERTER, ids=' '.join)
def test_commands_that_need_the_converter(
        arguments: tuple[str, ...], missing: str, folder: Path) -> None:
    sentence = run(folder, (missing,), *arguments, status=1)
    assert f'is not installed: pip install {missing}' in sentence
    assert sentence.endswith(f'[{missing}_missing]\n') and len(sentence.splitlines()) == 1
    assert not (folder / 'n.engine').exists()


def test_an_engine_needs_no_onnx(folder: Path) -> None:
    assert json.loads(run(folder, ('onnx',), 'detect', 'm.engine', 'a.png', '--confidence',
                          '0.1'))['detections']
    sentence = run(folder, ('onnxruntime',), 'detect', 'm.engine', 'a.png', status=1)
    assert 'this engine needs ONNX Runtime, which is not installed: pip install' in sentence
    document = json.loads(run(folder, ONNX, 'inspect_engine', 'm.engine', '--json'))
    assert 'needs ONNX Runtime' in document['here']['reason']


def test_help_needs_no_library(folder: Path) -> None:
    for name in ('build_engine', 'detect', 'verify_engine', 'accuracy_report', 'export_onnx',
                 'benchmark', 'detect_bag', 'demo'):
        assert 'usage:' in run(folder, (*ROS, *ONNX, 'rosbags', 'torch'), name, '--help')


def test_a_text_network_without_its_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip('tokenizers', reason='the network of this test needs tokenizers')
    save_text_model(tmp_path, 12)
    assert 'classes' in run(tmp_path, ROS, 'detect', 'm.onnx', '--text', 'go')
    sentence = run(tmp_path, ('tokenizers',), 'detect', 'm.onnx', '--text', 'go', status=1)
    assert 'a network that reads texts needs tokenizers, which is not installed: pip' in sentence
    assert '[tokenizers_missing]' in sentence and len(sentence.splitlines()) == 1


@pytest.mark.parametrize('missing, arguments', [
    ('rosbags', ('detect_bag', 'm.engine', 'bag', 'out')),
    ('rosbags', ('build_engine', 'm.onnx', '-o', 'n.engine', '--precision', 'int8',
                 '--calibration', 'x.mcap')),
    ('torch', ('export_onnx', 'net:make', '-o', 'n.onnx', '--input-shape', '1x3x64x64'))])
def test_other_libraries(missing: str, arguments: tuple[str, ...], folder: Path) -> None:
    (folder / 'x.mcap').touch()
    sentence = run(folder, (missing,), *arguments, status=1)
    assert f'is not installed: pip install {missing}' in sentence
    assert f'[{missing}_missing]' in sentence and len(sentence.splitlines()) == 1
