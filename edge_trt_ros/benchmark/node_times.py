# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures the inference node over DDS, from an image's stamp to its detections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack
import multiprocessing
from pathlib import Path
import subprocess
import sys
from time import monotonic, perf_counter, sleep
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import rclpy
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.benchmark.image_source import age_ms, publish_images, start_node
from edge_trt_ros.benchmark.road_frames import named_percentiles, percentile_curve
from edge_trt_ros.demo.nodes.processes import stop_process
from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.select import Placement

NAMESPACE = '/edge_trt_ros_benchmark'
_RATE_HZ = 30.0
_APPEAR_S, _TRANSITION_S, _LAST_S = 30.0, 120.0, 1.0
_SETTLE_FRAMES = 30  # not counted: cold caches, and discovery still running
_START = (('configure', Transition.TRANSITION_CONFIGURE),
          ('activate', Transition.TRANSITION_ACTIVATE))
_STOP = (('deactivate', Transition.TRANSITION_DEACTIVATE),
         ('cleanup', Transition.TRANSITION_CLEANUP))


def measure_node(engine: Path, backend: str, size_wh: tuple[int, int], seconds: float,
                 placement: Placement = Placement(),
                 progress: Callable[[str, float], None] = lambda phase, fraction: None
                 ) -> dict[str, Any]:
    """
    Start the node with a detector's engine twice, then send it images at 30 Hz.

    Publisher, node and subscriber are three processes.

    :param engine: the engine.
    :param backend: 'auto', or the library that must run it.
    :param size_wh: width and height of the bgr8 images.
    :param seconds: duration of the images.
    :param placement: GPU and DLA core.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: a JSON object: start_s (configure to active, in a new process and again), images,
        lost, latency_ms from stamp to received detections, and stages_ms from the node's
        diagnostics.
    :raises EngineError: if the node does not start.
    """
    progress('start the node', 0.0)
    node = start_node('benchmark')
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        stack.callback(node.destroy_node)
        stack.enter_context(_inference_node(engine, backend, placement))
        change_state = node.create_client(ChangeState, f'{NAMESPACE}/inference/change_state')
        if not change_state.wait_for_service(timeout_sec=_APPEAR_S):
            raise EngineError(f'the inference node did not appear in {_APPEAR_S:.0f} s')
        sleep(1.0)  # the server may discover this client late, and would drop its response
        start_s = [_pass(node, change_state, _START)]
        _pass(node, change_state, _STOP)
        start_s.append(_pass(node, change_state, _START))
        latencies_ms: list[float] = []
        stages_ms: dict[str, dict[str, float]] = {}
        node.create_subscription(
            Detection2DArray, f'{NAMESPACE}/detections',
            lambda message: latencies_ms.append(age_ms(message.header)), 10)
        node.create_subscription(DiagnosticArray, '/diagnostics',
                                 lambda message: stages_ms.update(_stages_ms(message)), 10)
        source = multiprocessing.get_context('spawn').Process(
            target=publish_images, daemon=True,
            args=(f'{NAMESPACE}/image', size_wh, _RATE_HZ, seconds))
        source.start()
        stack.callback(source.kill)
        sent = round(_RATE_HZ * seconds)
        while source.is_alive():
            progress('node', min(len(latencies_ms) / max(sent, 1), 1.0))
            rclpy.spin_once(node, timeout_sec=0.1)
        last = monotonic() + _LAST_S
        while len(latencies_ms) < sent and monotonic() < last:
            rclpy.spin_once(node, timeout_sec=0.1)  # detections still in transit
    return {'source_size_wh': list(size_wh), 'rate_hz': _RATE_HZ, 'images': sent,
            'lost': sent - len(latencies_ms),
            'start_s': {'first': round(start_s[0], 3), 'again': round(start_s[1], 3)},
            'latency_ms': named_percentiles(latencies_ms[_SETTLE_FRAMES:]),
            'latency_curve_ms': percentile_curve(latencies_ms[_SETTLE_FRAMES:]),
            'stages_ms': stages_ms}


@contextmanager
def _inference_node(engine: Path, backend: str, placement: Placement) -> Iterator[None]:
    """Run the node in its own process while the context is open."""
    command = [sys.executable, '-m', 'edge_trt_ros', 'inference_node', '--ros-args',
               '-r', f'__ns:={NAMESPACE}', '--log-level', 'warn']
    for name, value in (('engine_file_path', engine.resolve()), ('backend', backend),
                        ('device_id', placement.device_id), ('dla_core', placement.dla_core)):
        command += ['-p', f'{name}:={value}']
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        stop_process(process)


def _pass(node: Any, client: Any, transitions: tuple[tuple[str, int], ...]) -> float:
    """Run transitions and return their total duration in seconds."""
    started = perf_counter()
    for verb, number in transitions:
        future = client.call_async(ChangeState.Request(transition=Transition(id=number)))
        rclpy.spin_until_future_complete(node, future, timeout_sec=_TRANSITION_S)
        if not future.done() or not future.result().success:
            raise EngineError(f'the inference node failed to {verb}: see its log for the reason')
    return perf_counter() - started


def _stages_ms(message: DiagnosticArray) -> dict[str, dict[str, float]]:
    stages_ms: dict[str, dict[str, float]] = {}
    for status in message.status:
        if status.name != f'{NAMESPACE[1:]}/inference: inference':
            continue
        for entry in status.values:
            stage, _, percent = entry.key.rpartition('_ms_')
            if stage:
                stages_ms.setdefault(stage, {})[percent] = float(entry.value)
    return stages_ms
