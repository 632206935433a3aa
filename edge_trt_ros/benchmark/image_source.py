# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A process that publishes road images at a fixed rate, like a camera driver."""

from __future__ import annotations

import os
from time import monotonic, sleep, time_ns
from typing import Any

import rclpy
from rclpy.qos import QoSPresetProfiles, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from edge_trt_ros.benchmark.road_frames import road_frames
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.ros.node.transport import prepare_transport

SETTLE_S = 2.0
_SECOND_NS = 1_000_000_000


def publish_images(topic: str, size_wh: tuple[int, int], rate_hz: float, seconds: float,
                   tuned: bool = True, reliable: bool = False) -> None:
    """
    Publish bgr8 images once there is a subscriber; the main function of a process.

    :param topic: topic of the images.
    :param size_wh: width and height.
    :param rate_hz: images per second.
    :param seconds: duration.
    :param tuned: whether to use the transport settings of this package.
    :param reliable: whether to use a reliable QoS profile instead of the sensor profile.
    """
    frames = road_frames(size_wh)
    node = start_node('image_source', tuned)
    publisher = node.create_publisher(Image, topic, image_qos(reliable))
    while not publisher.get_subscription_count():
        sleep(0.05)
    sleep(SETTLE_S)
    started = monotonic()
    for index in range(round(rate_hz * seconds)):
        sleep(max(0.0, started + index / rate_hz - monotonic()))
        message = image_message(frames[index % len(frames)].pixels, Header(frame_id='camera'))
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(time_ns(), _SECOND_NS)
        publisher.publish(message)
    sleep(SETTLE_S)
    node.destroy_node()
    rclpy.try_shutdown()


def start_node(name: str, tuned: bool = True) -> Any:
    """Start rclpy and return a node whose discovery is limited to this machine."""
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    if tuned:
        prepare_transport()
    rclpy.init()
    return rclpy.create_node(f'edge_trt_ros_{name}')


def image_qos(reliable: bool) -> QoSProfile:
    """Return the sensor profile or a reliable profile."""
    return QoSProfile(depth=10) if reliable else QoSPresetProfiles.SENSOR_DATA.value


def age_ms(header: Header, now_ns: int = 0) -> float:
    """
    Return the milliseconds since a header's stamp, which must be of this machine's clock.

    :param header: the header.
    :param now_ns: until when; 0 for now.
    """
    stamp_ns = int(header.stamp.sec) * _SECOND_NS + int(header.stamp.nanosec)
    return ((now_ns or time_ns()) - stamp_ns) / 1e6
