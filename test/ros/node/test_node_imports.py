# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Each node loads only what it runs: its module is started in an interpreter of its own."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

from support.gpu import built, GPU_MARKS
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions

# Starts a node's executable as a process would, and says what it loaded once it spins.
STARTED = """
import importlib, json, os, sys, threading, time
module = importlib.import_module(f'edge_trt_ros.cli.{sys.argv[1]}')
from edge_trt_ros.ros.node import spin
from rclpy.executors import SingleThreadedExecutor

def spin_for_a_while(executor):
    ends = time.monotonic() + 2.0
    while time.monotonic() < ends:
        executor.spin_once(timeout_sec=0.1)
    print(json.dumps(sorted(sys.modules)))
SingleThreadedExecutor.spin = spin_for_a_while
sys.argv = [sys.argv[1], '--ros-args', *sys.argv[2:]]
module.main()
"""


def modules_of(node: str, **parameters: object) -> set[str]:
    """Return the modules that a node's process has loaded after two seconds."""
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    done = subprocess.run([sys.executable, '-c', STARTED, node, *arguments],
                          capture_output=True, text=True, timeout=100)
    assert done.stdout, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def packages_of(modules: set[str]) -> set[str]:
    """Return the packages of others, and the rooms of ours, that are among modules."""
    return {'.'.join(name.split('.')[:2]) if name.startswith('edge_trt_ros.')
            else name.split('.')[0] for name in modules}


def test_the_node_in_space_needs_neither_runtime_nor_converter() -> None:
    packages = packages_of(modules_of('detections_3d_node'))
    assert 'edge_trt_ros.ros' in packages and 'rclpy' in packages
    assert not packages & {
        'edge_trt_ros.convert', 'edge_trt_ros.runtime', 'edge_trt_ros.heads',
        'edge_trt_ros.sources', 'onnx', 'onnxruntime', 'cv2', 'tqdm', 'torch', 'psutil'}


def test_the_inference_node_needs_no_converter_for_an_engine(tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), engine,
                 BuildOptions(backend='onnxruntime'))
    packages = packages_of(modules_of('inference_node', autostart='true',
                                      engine_file_path=engine))
    assert 'onnxruntime' in packages, 'the engine was not opened'
    assert not packages & {'edge_trt_ros.convert', 'edge_trt_ros.export', 'onnx', 'tqdm', 'torch'}


def test_the_inference_node_alone_loads_no_library_of_networks() -> None:
    packages = packages_of(modules_of('inference_node'))
    assert 'edge_trt_ros.runtime' in packages
    assert not packages & {'edge_trt_ros.convert', 'onnx', 'onnxruntime', 'tensorrt',
                           'tensorrt_rtx', 'pycuda', 'tokenizers', 'tqdm', 'torch'}


def test_an_onnx_brings_the_converter(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    packages = packages_of(modules_of('inference_node', autostart='true', engine_file_path=path))
    assert {'edge_trt_ros.convert', 'onnx', 'onnxruntime'} <= packages


class TestOnTheGpu:
    """What only a TensorRT engine shows."""

    pytestmark = GPU_MARKS

    def test_a_tensorrt_engine_needs_no_onnx(self, tmp_path: Path) -> None:
        engine = built(dense_model(), tmp_path)
        packages = packages_of(modules_of('inference_node', autostart='true',
                                          engine_file_path=engine))
        assert 'pycuda' in packages, 'the engine was not opened'
        assert not packages & {'edge_trt_ros.convert', 'onnx', 'onnxruntime', 'torch', 'tqdm'}
