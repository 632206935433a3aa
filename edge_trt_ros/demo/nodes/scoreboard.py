# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Starts the demo's detector, scores its detections, and writes pictures and a result."""

from __future__ import annotations

import json
from pathlib import Path
import sys
from time import monotonic

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException

from edge_trt_ros.demo.nodes.bring_up import activate, build_through
from edge_trt_ros.demo.nodes.pictures import write_pictures
from edge_trt_ros.demo.nodes.processes import RESULT_NAME
from edge_trt_ros.demo.nodes.scoring_node import PASS_MARK, ScoringNode
from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import write_file
from edge_trt_ros.ros.messages.image import frame_from_image
from edge_trt_ros.ros.node.transport import prepare_transport

PICTURE_SECONDS = 3.0
WAIT_SECONDS = 20.0


def run_scoreboard() -> bool:
    """
    Build the engine, activate the detector, score it, and write pictures and the result.

    :returns: whether recall and precision reach the pass mark.
    :raises EdgeTrtError: if the engine is not built, or no detections arrive.
    :raises KeyboardInterrupt: if the demo is stopped.
    """
    prepare_transport()
    rclpy.init()
    try:
        return _run()
    except ExternalShutdownException:
        raise KeyboardInterrupt from None
    finally:
        rclpy.try_shutdown()


def _run() -> bool:
    node = ScoringNode()
    try:
        parameters, log = node.parameters, node.get_logger()
        log.info(f'engine: {build_through(node, parameters.build_service)}')
        activate(node, parameters.inference_node)
        _score_detections(node)
        node.stop()
        _spin(node, PICTURE_SECONDS)
        folder = Path(parameters.output_directory)
        images = [np.array(frame_from_image(message).pixels) for message in node.pictures]
        for path in write_pictures(images, folder):
            log.info(f'wrote {path}')
        result = json.dumps(node.result())
        write_file(folder / RESULT_NAME, f'{result}\n'.encode())
        log.info(f'result: {result}')
        if not node.passed():
            log.error(f'recall is {node.score.recall:.3f} and precision '
                      f'{node.score.precision:.3f}, expected at least {PASS_MARK} each')
        return node.passed()
    finally:
        node.destroy_node()


def _score_detections(node: ScoringNode) -> None:
    node.start()
    started = monotonic()
    while not node.score.frames:
        if monotonic() - started > WAIT_SECONDS:
            raise EngineError(f'no detections in {WAIT_SECONDS:.0f} s: check with `ros2 topic hz '
                              '/image` that the camera publishes')
        rclpy.spin_once(node, timeout_sec=0.1)
    started, shown = monotonic(), 0.0
    seconds = node.parameters.seconds
    while (elapsed := monotonic() - started) < seconds:
        rclpy.spin_once(node, timeout_sec=0.1)
        if elapsed - shown >= 0.5:
            shown = elapsed
            _show(node, elapsed, seconds)
    _show(node, seconds, seconds)
    print(file=sys.stderr)


def _show(node: ScoringNode, elapsed: float, seconds: float) -> None:
    result = node.result()
    line = (f"{elapsed:5.1f} of {seconds:.0f} s  {result['frames']:4} frames  recall "
            f"{result['recall']:.3f}  precision {result['precision']:.3f}  latency p50 "
            f"{result['latency_ms']['p50']:.1f} p99 {result['latency_ms']['p99']:.1f} ms  drops "
            f"{result['drops']}")
    # On a terminal one line is overwritten; a log gets a new line each time.
    print(f'\r{line} ', end='' if sys.stderr.isatty() else '\n', file=sys.stderr, flush=True)


def _spin(node: ScoringNode, seconds: float) -> None:
    started = monotonic()
    while monotonic() - started < seconds:
        rclpy.spin_once(node, timeout_sec=0.1)
