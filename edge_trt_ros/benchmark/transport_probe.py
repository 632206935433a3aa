# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Measures the transport of camera images between two processes on this machine.

One child process publishes and another subscribes, both with the settings of `transport` or, for
comparison, with the defaults of the middleware.
"""

from __future__ import annotations

from collections.abc import Callable
import multiprocessing
from time import monotonic, process_time
from typing import Any

import numpy as np
import rclpy
from sensor_msgs.msg import Image

from edge_trt_ros.benchmark.image_source import (age_ms, image_qos, publish_images,
                                                 SETTLE_S, start_node)
from edge_trt_ros.benchmark.road_frames import named_percentiles, percentile_curve

TOPIC = 'edge_trt_ros_transport_probe'


def probe_transport(size_wh: tuple[int, int], rate_hz: float, seconds: float, *,
                    tuned: bool = True, reliable: bool = False,
                    progress: Callable[[str, float], None] = lambda phase, fraction: None
                    ) -> dict[str, Any]:
    """
    Send images from a child process to another child process.

    :param size_wh: width and height of the bgr8 images.
    :param rate_hz: images per second.
    :param seconds: duration.
    :param tuned: whether to use the transport settings of this package.
    :param reliable: whether to use a reliable QoS profile instead of the sensor profile.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: sent, lost, latency_ms (p50, p95, p99) from publish to callback, and
        cpu_ms_per_message of the subscriber.
    """
    context = multiprocessing.get_context('spawn')
    probe_end, subscriber_end = context.Pipe()
    subscriber = context.Process(target=_subscribe, args=(subscriber_end, tuned, reliable),
                                 daemon=True)
    publisher = context.Process(
        target=publish_images, daemon=True,
        args=(TOPIC, size_wh, rate_hz, seconds, tuned, reliable))
    subscriber.start()
    probe_end.recv()  # the subscriber is ready
    publisher.start()
    started = monotonic()
    while publisher.is_alive():
        progress('transport', min((monotonic() - started) / (seconds + 2 * SETTLE_S), 1.0))
        publisher.join(0.25)
    sent = publisher.exitcode == 0 and round(rate_hz * seconds)
    probe_end.send('stop')
    received, latencies_ms, cpu_s = probe_end.recv()
    subscriber.join()
    return {
        'size_wh': list(size_wh), 'rate_hz': rate_hz, 'seconds': seconds, 'tuned': tuned,
        'reliable': reliable, 'sent': sent, 'lost': sent - received,
        'latency_ms': named_percentiles(latencies_ms),
        'latency_curve_ms': percentile_curve(latencies_ms),
        'cpu_ms_per_message': round(cpu_s / max(received, 1) * 1e3, 2)}


def _subscribe(connection: Any, tuned: bool, reliable: bool) -> None:
    node = start_node('transport_probe', tuned)
    latencies_ms: list[float] = []

    def arrived(message: Image) -> None:
        latencies_ms.append(age_ms(message.header))
        np.frombuffer(message.data, np.uint8)
    node.create_subscription(Image, TOPIC, arrived, image_qos(reliable))
    executor = rclpy.executors.SingleThreadedExecutor()
    executor.add_node(node)
    connection.send('ready')
    while not latencies_ms:
        executor.spin_once(timeout_sec=0.5)
    before_s = process_time()
    while not connection.poll():
        executor.spin_once(timeout_sec=0.5)
    connection.send((len(latencies_ms), latencies_ms, process_time() - before_s))
    node.destroy_node()
    rclpy.try_shutdown()
