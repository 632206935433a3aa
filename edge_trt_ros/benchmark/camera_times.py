# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measures one node that serves several cameras, and one camera that floods it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
import multiprocessing
from pathlib import Path
from time import monotonic
from typing import Any

import rclpy
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.benchmark.image_source import age_ms, publish_images, SETTLE_S
from edge_trt_ros.benchmark.measured_node import (engine_parameters, measured_node, NAMESPACE,
                                                  START)
from edge_trt_ros.benchmark.road_frames import named_percentiles
from edge_trt_ros.runtime.select import Placement

_RATE_HZ, _FLOOD_HZ, _SECONDS = 15.0, 200.0, 8.0
_FLOODED = 4  # cameras in the last measurement, of which the first floods


def measure_node_cameras(
        engine: Path, backend: str, size_wh: tuple[int, int], numbers: Sequence[int],
        placement: Placement = Placement(),
        progress: Callable[[str, float], None] = lambda phase, fraction: None) -> dict[str, Any]:
    """
    Send images of several cameras at 15 Hz to one node, then with one of four at 200 Hz.

    :param engine: a detector's engine.
    :param backend: 'auto', or the library that must run it.
    :param size_wh: width and height of the bgr8 images.
    :param numbers: numbers of cameras to measure.
    :param placement: GPU and DLA core.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: a JSON object for each measurement: rss_mb of the node, and for each camera its
        results per second and latency_ms from stamp to received detections.
    :raises EngineError: if the node does not start.
    """
    runs = [(number, False) for number in numbers] + [(_FLOODED, True)]
    found = {}
    for index, (number, flooding) in enumerate(runs):
        progress('cameras', index / len(runs))
        title = f'{number} cameras' + (f', one at {_FLOOD_HZ:.0f} Hz' if flooding else '')
        found[title] = _measure(engine_parameters(
            engine, backend, placement.device_id, placement.dla_core), size_wh, number, flooding)
    return found


def _measure(parameters: Mapping[str, object], size_wh: tuple[int, int], number: int,
             flooding: bool) -> dict[str, Any]:
    names = [f'camera_{index}' for index in range(number)]
    with measured_node({**parameters, 'cameras': f"[{', '.join(names)}]"}) as node, \
            ExitStack() as stack:
        node.run(START)
        latencies_ms: dict[str, list[float]] = {name: [] for name in names}
        for name in names:
            node.watcher.create_subscription(
                Detection2DArray, f'{NAMESPACE}/{name}/detections',
                lambda message, name=name: latencies_ms[name].append(age_ms(message.header)), 50)
            rate_hz = _FLOOD_HZ if flooding and name == names[0] else _RATE_HZ
            source = multiprocessing.get_context('spawn').Process(
                target=publish_images, daemon=True,
                args=(f'{NAMESPACE}/{name}/image', size_wh, rate_hz, 3600.0))
            source.start()
            stack.callback(source.kill)
        while not all(latencies_ms.values()):
            rclpy.spin_once(node.watcher, timeout_sec=0.1)
        _spin(node.watcher, SETTLE_S)  # not counted: cold caches
        for values in latencies_ms.values():
            values.clear()
        _spin(node.watcher, _SECONDS)
        return {'source_size_wh': list(size_wh), 'rate_hz': _RATE_HZ,
                'rss_mb': round(node.process.memory_info().rss / 1e6, 1),
                'each': [{'results_per_second': round(len(values) / _SECONDS, 2),
                          'latency_ms': named_percentiles(values)}
                         for values in latencies_ms.values()]}


def _spin(watcher: Any, seconds: float) -> None:
    until = monotonic() + seconds
    while monotonic() < until:
        rclpy.spin_once(watcher, timeout_sec=0.1)
