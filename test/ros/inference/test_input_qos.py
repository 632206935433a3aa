# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The subscription of images follows the QoS of their publishers, if it is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from support.graph import Graph

from edge_trt_ros.ros.inference.node import InferenceNode

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
STRICT = (ReliabilityPolicy.RELIABLE, DurabilityPolicy.TRANSIENT_LOCAL)
LOOSE = (ReliabilityPolicy.BEST_EFFORT, DurabilityPolicy.VOLATILE)


def subscribed(ros: Graph) -> list[tuple[ReliabilityPolicy, DurabilityPolicy]]:
    return [(found.qos_profile.reliability, found.qos_profile.durability)
            for found in ros.peer.get_subscriptions_info_by_topic('image')]


def test_auto_takes_the_strictest_profile_that_all_publishers_offer(
        ros: Graph, active_node: Callable[..., InferenceNode],
        capfd: pytest.CaptureFixture[str]) -> None:
    ros.peer.destroy_publisher(ros.images)
    ros.images = ros.peer.create_publisher(Image, 'image', LATCHED)
    node = active_node(input_qos='AUTO')
    ros.until(lambda: subscribed(ros) == [STRICT])
    ros.answer()
    # A best-effort camera appears, which a reliable subscription never hears.
    ros.images = ros.peer.create_publisher(Image, 'image', QoSProfile(
        depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    ros.until(lambda: subscribed(ros) == [LOOSE])
    ros.answer()
    assert node.trigger_deactivate().name == 'SUCCESS'
    ros.until(lambda: not subscribed(ros))
    assert 'does not satisfy' not in capfd.readouterr().err


def test_auto_receives_an_image_that_was_published_before(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    latched = ros.peer.create_publisher(Image, 'image', LATCHED)
    ros.peer.destroy_publisher(ros.images)
    latched.publish(Image(height=2, width=2, encoding='mono8', step=2, data=[0] * 4))
    node = active_node(input_qos='AUTO')
    ros.until(lambda: node._stream.cameras[''].figures.counts['published'] == 1)
