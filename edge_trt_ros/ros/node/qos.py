# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""QoS profiles by their rclpy names, and the error messages for incompatible profiles."""

from __future__ import annotations

from copy import copy
from typing import Any

from rclpy.node import Node
from rclpy.qos import (DurabilityPolicy, QoSPresetProfiles, QoSProfile, ReliabilityPolicy)

# The profile of a subscription that follows the publishers of its topic.
AUTO = 'AUTO'


def qos_profile(name: str) -> QoSProfile:
    """Return a preset profile by its name, such as SENSOR_DATA, which AUTO begins with."""
    return QoSPresetProfiles['SENSOR_DATA' if name == AUTO else name].value


def matching_profile(node: Node, topic: str) -> QoSProfile:
    """
    Return the strictest profile that all publishers of a topic satisfy.

    :param node: the node.
    :param topic: full name of the topic; without publishers the profile is SENSOR_DATA.
    """
    offered = [found.qos_profile for found in node.get_publishers_info_by_topic(topic)]
    profile = copy(qos_profile(AUTO))
    if offered and all(one.reliability == ReliabilityPolicy.RELIABLE for one in offered):
        profile.reliability = ReliabilityPolicy.RELIABLE
    if offered and all(one.durability == DurabilityPolicy.TRANSIENT_LOCAL for one in offered):
        profile.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return profile


def incompatible_offer(node: Node, topic: str, requested: str, event: Any) -> str:
    """
    Return the error message for a publisher whose QoS is incompatible with our subscription.

    :param node: the node.
    :param topic: full name of the topic.
    :param requested: name of the subscription's profile.
    :param event: rclpy's event, which names the incompatible policy.
    """
    return (f'a publisher on {topic} offers a {_policy(event)} that does not satisfy our profile '
            f'{requested} ({_described(qos_profile(requested))}), so its images do not arrive; '
            f'publishers: {_endpoints(node.get_publishers_info_by_topic(topic))}: set input_qos '
            'to AUTO or SENSOR_DATA')


def incompatible_request(node: Node, topic: str, offered: QoSProfile, event: Any) -> str:
    """
    Return the error message for a subscription whose QoS is incompatible with our publisher.

    :param node: the node.
    :param topic: full name of the topic.
    :param offered: the publisher's profile.
    :param event: rclpy's event, which names the incompatible policy.
    """
    return (f'a subscription on {topic} requests a {_policy(event)} that our profile '
            f'({_described(offered)}) does not offer, so it receives nothing; subscriptions: '
            f'{_endpoints(node.get_subscriptions_info_by_topic(topic))}: change its profile, or '
            'set output_qos')


def _policy(event: Any) -> str:
    name = str(getattr(event.last_policy_kind, 'name', event.last_policy_kind))
    return name.removeprefix('RMW_QOS_POLICY_')


def _described(profile: QoSProfile) -> str:
    return f'reliability {profile.reliability.name}, durability {profile.durability.name}'


def _endpoints(found: list[Any]) -> str:
    return ', '.join(f'{one.node_name} ({_described(one.qos_profile)})' for one in found) or 'none'
