# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The subscription of an input topic, with its QoS and its losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node

from edge_trt_ros.ros.inference.inputs import InputTopic
from edge_trt_ros.ros.inference.losses import TransportLosses
from edge_trt_ros.ros.node.qos import incompatible_offer, qos_profile


def subscribe(node: Node, topic: str, source: InputTopic,
              take: Callable[[Any, int | None], None], losses: TransportLosses) -> Any:
    """
    Subscribe to an input topic.

    :param node: the node.
    :param topic: full name of the topic.
    :param source: type and QoS of its messages.
    :param take: called with a message and its sequence number, if the middleware gives one.
    :param losses: receives a call when publishers appear or disappear.
    """
    events = SubscriptionEventCallbacks(
        matched=lambda event: losses.matched(event.current_count),
        incompatible_qos=lambda event: node.get_logger().error(
            incompatible_offer(node, topic, source.qos, event)))
    # A callback with two arguments gets information about the message as well.
    return node.create_subscription(
        source.message, topic,
        lambda message, info: take(message, info['publication_sequence_number']),
        qos_profile(source.qos), event_callbacks=events)
