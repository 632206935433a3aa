# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures the inference node over DDS, from an image's stamp to its detections."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
import multiprocessing
from pathlib import Path
from time import monotonic, time_ns
from typing import Any

from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import deserialize_message
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.benchmark.image_source import age_ms, publish_images
from edge_trt_ros.benchmark.measured_node import (engine_parameters, measured_node, NAMESPACE,
                                                  START, STOP)
from edge_trt_ros.benchmark.road_frames import named_percentiles, percentile_curve
from edge_trt_ros.runtime.select import Placement

_RATE_HZ, _LAST_S = 30.0, 1.0
_SETTLE_FRAMES = 30  # not counted: cold caches, and discovery still running


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
        lost, latency_ms from stamp to received detections as Python objects, bytes_latency_ms to
        their bytes, before Python's objects are made, and stages_ms from the node's diagnostics.
    :raises EngineError: if the node does not start.
    """
    progress('start the node', 0.0)
    with measured_node(engine_parameters(
            engine, backend, placement.device_id, placement.dla_core)) as node, \
            ExitStack() as stack:
        start_s = [node.run(START)]
        node.run(STOP)
        start_s.append(node.run(START))
        latencies_ms: list[float] = []
        bytes_latencies_ms: list[float] = []

        def take(data: bytes) -> None:
            arrived_ns = time_ns()
            message = deserialize_message(data, Detection2DArray)
            latencies_ms.append(age_ms(message.header))
            bytes_latencies_ms.append(age_ms(message.header, arrived_ns))
        node.watcher.create_subscription(
            Detection2DArray, f'{NAMESPACE}/detections', take, 10, raw=True)
        # `rclpy.spin_once` adds the node to an executor and removes it each time.
        executor = SingleThreadedExecutor()
        executor.add_node(node.watcher)
        stack.callback(executor.remove_node, node.watcher)
        source = multiprocessing.get_context('spawn').Process(
            target=publish_images, daemon=True,
            args=(f'{NAMESPACE}/image', size_wh, _RATE_HZ, seconds))
        source.start()
        stack.callback(source.kill)
        sent = round(_RATE_HZ * seconds)
        while source.is_alive():
            progress('node', min(len(latencies_ms) / max(sent, 1), 1.0))
            executor.spin_once(timeout_sec=0.1)
        last = monotonic() + _LAST_S
        while len(latencies_ms) < sent and monotonic() < last:
            executor.spin_once(timeout_sec=0.1)  # detections still in transit
    return {'source_size_wh': list(size_wh), 'rate_hz': _RATE_HZ, 'images': sent,
            'lost': sent - len(latencies_ms),
            'start_s': {'first': round(start_s[0], 3), 'again': round(start_s[1], 3)},
            'latency_ms': named_percentiles(latencies_ms[_SETTLE_FRAMES:]),
            'bytes_latency_ms': named_percentiles(bytes_latencies_ms[_SETTLE_FRAMES:]),
            'latency_curve_ms': percentile_curve(latencies_ms[_SETTLE_FRAMES:]),
            'stages_ms': node.stages_ms()}
