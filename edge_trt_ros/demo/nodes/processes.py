# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run the demo's four nodes as processes, without a launch system."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
import signal
import subprocess
import sys

from edge_trt_ros.demo.detector.model import CONFIDENCE, MODEL_PATH

# The scoreboard writes it into its folder.
RESULT_NAME = 'result.json'

STOP_S = 10.0


class DemoNodes:
    """
    Runs builder, detector, camera and scoreboard while the context is open.

    :param output: folder for the engine, the pictures and the result.
    :param seconds: duration of the scoring.
    """

    def __init__(self, output: Path, seconds: float) -> None:
        engine = output / 'road_users.engine'
        with ExitStack() as stack:
            _start(stack, 'engine_builder_node', {
                'models': '[demo]', 'demo.onnx_file_path': MODEL_PATH,
                'demo.engine_file_path': engine})
            self.detector = _start(stack, 'inference_node', {
                'engine_file_path': engine, 'confidence_threshold': CONFIDENCE})
            _start(stack, 'synthetic_camera', {})
            self.scoreboard = _start(stack, 'scoreboard', {
                'seconds': float(seconds), 'output_directory': output})
            self._running = stack.pop_all()

    def __enter__(self) -> DemoNodes:
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()


def _start(stack: ExitStack, name: str, parameters: dict[str, object]
           ) -> subprocess.Popen[bytes]:
    command = [sys.executable, '-m', 'edge_trt_ros', name, '--ros-args']
    for parameter, value in parameters.items():
        command += ['-p', f'{parameter}:={value}']
    process = subprocess.Popen(command)
    stack.callback(stop_process, process)
    return process


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """Stop a node's process: interrupt it, and kill it if it does not end in time."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
