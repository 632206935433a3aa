"""QoS profiles by the names that rclpy gives them, and what to say when two do not match."""

from __future__ import annotations

from typing import Any

from rclpy.qos import QoSPresetProfiles, QoSProfile


def qos_profile(name: str) -> QoSProfile:
    """Return the preset profile of a name such as SENSOR_DATA."""
    return QoSPresetProfiles[name].value


def incompatible_qos(topic: str, requested: str, event: Any) -> str:
    """
    Explain that a publisher's offer does not satisfy our request, so that nothing arrives.

    :param topic: the topic.
    :param requested: name of the profile that we ask for.
    :param event: rclpy's event, which names the policy at fault.
    """
    profile = qos_profile(requested)
    policy = getattr(event.last_policy_kind, 'name', str(event.last_policy_kind))
    return (f'a publisher on {topic} offers a {policy} that does not satisfy our profile '
            f'{requested} (reliability {profile.reliability.name}, durability '
            f'{profile.durability.name}, depth {profile.depth}), so its images do not arrive: '
            f'`ros2 topic info -v {topic}` shows its offer; set input_qos to SENSOR_DATA')
