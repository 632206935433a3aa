"""
Measures the way of camera images from one process to another on this machine.

A child process publishes, this one subscribes, both with the settings of `transport`, or with
the defaults of the middleware to compare.
"""

from __future__ import annotations

import multiprocessing
import os
from time import monotonic, process_time, sleep, time_ns
from typing import Any

import numpy as np
import rclpy
from rclpy.qos import QoSPresetProfiles, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from edge_trt_ros.ros.image_message import image_message
from edge_trt_ros.ros.transport import prepare_transport

TOPIC = 'edge_trt_ros_transport_probe'
_SETTLE_S = 2.0
_HEADER_NS = 1_000_000_000


def probe_transport(size_wh: tuple[int, int], rate_hz: float, seconds: float, *,
                    tuned: bool = True, reliable: bool = False) -> dict[str, Any]:
    """
    Send images from a child process to another one for a while.

    :param size_wh: width and height of the bgr8 images.
    :param rate_hz: images a second.
    :param seconds: how long.
    :param tuned: with our transport settings, or without.
    :param reliable: with a reliable QoS profile in place of the sensor one.
    :returns: sent, lost, latency_ms (p50, p99) from publish to callback, and
        cpu_ms_per_message of the subscriber.
    """
    context = multiprocessing.get_context('spawn')
    ours, theirs = context.Pipe()
    subscriber = context.Process(target=_subscribe, args=(theirs, tuned, reliable), daemon=True)
    publisher = context.Process(
        target=_publish, args=(size_wh, rate_hz, seconds, tuned, reliable), daemon=True)
    subscriber.start()
    ours.recv()  # it is ready
    publisher.start()
    publisher.join()
    sent = publisher.exitcode == 0 and round(rate_hz * seconds)
    ours.send('stop')
    received, latencies_ms, cpu_s = ours.recv()
    subscriber.join()
    return {
        'size_wh': list(size_wh), 'rate_hz': rate_hz, 'seconds': seconds, 'tuned': tuned,
        'reliable': reliable, 'sent': sent, 'lost': sent - received,
        'latency_ms': {name: round(float(np.percentile(latencies_ms or [0.0], percent)), 2)
                       for name, percent in (('p50', 50), ('p99', 99))},
        'cpu_ms_per_message': round(cpu_s / max(received, 1) * 1e3, 2)}


def _qos(reliable: bool) -> QoSProfile:
    return QoSProfile(depth=10) if reliable else QoSPresetProfiles.SENSOR_DATA.value


def _start(tuned: bool, name: str) -> Any:
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if tuned:
        prepare_transport()
    rclpy.init()
    return rclpy.create_node(name)


def _publish(size_wh: tuple[int, int], rate_hz: float, seconds: float, tuned: bool,
             reliable: bool) -> None:
    node = _start(tuned, 'transport_probe_publisher')
    publisher = node.create_publisher(Image, TOPIC, _qos(reliable))
    while not publisher.get_subscription_count():
        sleep(0.05)
    sleep(_SETTLE_S)
    pixels = np.zeros((size_wh[1], size_wh[0], 3), np.uint8)
    started = monotonic()
    for index in range(round(rate_hz * seconds)):
        sleep(max(0.0, started + index / rate_hz - monotonic()))
        message = image_message(pixels, Header(frame_id=str(index)))
        now_ns = time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now_ns, _HEADER_NS)
        publisher.publish(message)
    sleep(_SETTLE_S)
    node.destroy_node()
    rclpy.try_shutdown()


def _subscribe(connection: Any, tuned: bool, reliable: bool) -> None:
    node = _start(tuned, 'transport_probe_subscriber')
    latencies_ms: list[float] = []

    def arrived(message: Image) -> None:
        stamp_ns = message.header.stamp.sec * _HEADER_NS + message.header.stamp.nanosec
        latencies_ms.append((time_ns() - stamp_ns) / 1e6)
        np.frombuffer(message.data, np.uint8)
    node.create_subscription(Image, TOPIC, arrived, _qos(reliable))
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
