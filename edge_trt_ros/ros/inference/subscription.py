# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The subscription of an input topic, with its QoS and its losses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile

from edge_trt_ros.errors import ImageError
from edge_trt_ros.ros.inference.inputs import InputTopic
from edge_trt_ros.ros.inference.losses import TransportLosses
from edge_trt_ros.ros.node.qos import AUTO, incompatible_offer, matching_profile, qos_profile
from edge_trt_ros.ros.node.steady import create_steady_timer

# A publisher may be matched before the graph knows its QoS.
_LOOK_PERIOD_S = 1.0


class InputSubscription:
    """
    A subscription of an input topic.

    :param node: the node.
    :param topic: full name of the topic.
    :param source: type and QoS of its messages.
    :param take: called with a message and its sequence number, if the middleware gives one.
    :param losses: receives a call when publishers appear or disappear.
    :param refuse: called with the error and the number of a message that cannot be parsed.
    """

    def __init__(self, node: Node, topic: str, source: InputTopic,
                 take: Callable[[Any, int | None], None], losses: TransportLosses,
                 refuse: Callable[[ImageError, int | None], None]) -> None:
        self._node, self._topic, self._source = node, topic, source
        self._take, self._losses, self._refuse = take, losses, refuse
        self._profile = qos_profile(source.qos)
        self._subscription = self._subscribed()
        self._timer = create_steady_timer(node, _LOOK_PERIOD_S, self._follow) \
            if source.qos == AUTO else None

    def destroy(self) -> None:
        """Receive no more messages; must be called only once."""
        if self._timer:
            self._node.destroy_timer(self._timer)
        self._node.destroy_subscription(self._subscription)

    def _subscribed(self) -> Any:
        # A callback with two arguments gets information about the message as well.
        return self._node.create_subscription(
            self._source.message, self._topic, self._arrived, self._profile,
            raw=self._source.parse is not None, event_callbacks=SubscriptionEventCallbacks(
                matched=self._matched, incompatible_qos=self._incompatible))

    def _arrived(self, message: Any, info: Mapping[str, Any]) -> None:
        number, parse = info['publication_sequence_number'], self._source.parse
        try:
            parsed = parse(message) if parse else message
        except ImageError as error:
            self._refuse(error, number)
        else:
            self._take(parsed, number)

    def _matched(self, event: Any) -> None:
        self._losses.matched(event.current_count)
        if self._timer:
            self._follow()

    def _incompatible(self, event: Any) -> None:
        if self._timer:
            self._follow()
        else:
            self._node.get_logger().error(
                incompatible_offer(self._node, self._topic, self._source.qos, event))

    def _follow(self) -> None:
        """Subscribe again if the publishers offer another profile than before."""
        wanted = matching_profile(self._node, self._topic)
        if _policies(wanted) == _policies(self._profile):
            return
        self._profile = wanted
        self._node.destroy_subscription(self._subscription)
        self._subscription = self._subscribed()
        self._node.get_logger().info(
            f'{self._topic}: reliability {wanted.reliability.name}, durability '
            f'{wanted.durability.name}, as its publishers offer')


def _policies(profile: QoSProfile) -> tuple[object, object]:
    return profile.reliability, profile.durability
