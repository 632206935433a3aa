# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages that wait for the engine, and what the engine runs of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event
from typing import Any

from std_msgs.msg import Header

from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.runtime.samples import Sample


@dataclass(frozen=True)
class Arrival:
    """
    A message that waits.

    :param camera: the input that received it.
    :param message: the message.
    :param header: its header; of a text, the time of its arrival.
    :param arrived: `perf_counter` at its arrival.
    :param submitted: set when the engine has it, or it is refused.
    """

    camera: Camera
    message: Any
    header: Header
    arrived: float
    submitted: Event = field(default_factory=Event)


@dataclass(frozen=True)
class Work:
    """
    A message that the engine runs.

    :param camera: the input that received it.
    :param arrival: the message.
    :param settings: settings of the camera for this message.
    :param queue_ms: how long it has waited.
    :param sample: what the network reads.
    """

    camera: Camera
    arrival: Arrival
    settings: StreamSettings
    queue_ms: float
    sample: Sample
