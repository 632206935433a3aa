# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""QoS profiles by their rclpy names, and the error message for incompatible profiles."""

from __future__ import annotations

from typing import Any

from rclpy.qos import QoSPresetProfiles, QoSProfile


def qos_profile(name: str) -> QoSProfile:
    """Return a preset profile by its name, such as SENSOR_DATA."""
    return QoSPresetProfiles[name].value


def incompatible_qos(topic: str, requested: str, event: Any) -> str:
    """
    Return the error message for a publisher whose QoS is incompatible with the subscription.

    :param topic: the topic.
    :param requested: name of the subscription's profile.
    :param event: rclpy's event, which names the incompatible policy.
    """
    profile = qos_profile(requested)
    policy = getattr(event.last_policy_kind, 'name', str(event.last_policy_kind))
    return (f'a publisher on {topic} offers a {policy} that does not satisfy our profile '
            f'{requested} (reliability {profile.reliability.name}, durability '
            f'{profile.durability.name}, depth {profile.depth}), so its images do not arrive: '
            f'`ros2 topic info -v {topic}` shows its offer; set input_qos to SENSOR_DATA')
