# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The two forms of a message: an object of its Python class, or the bytes that are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from std_msgs.msg import Header

from edge_trt_ros.errors import first_line


@dataclass(frozen=True)
class MessageForm:
    """
    How values become a message of a type.

    :param kind: class of the message.
    :param as_object: returns the message as an object.
    :param as_bytes: returns the bytes of the same message; same arguments as `as_object`.
    :param probe: arguments for a small message that has a value in every field.
    """

    kind: Any
    as_object: Callable[..., Any]
    as_bytes: Callable[..., bytes]
    probe: tuple[Any, ...]

    def builder(self, warn: Callable[[str], object]) -> Callable[..., Any]:
        """
        Return `as_bytes`, or `as_object` if the installed message package has another layout.

        :param warn: called with the reason for a fallback to objects.
        """
        difference = self.layout_difference()
        if not difference:
            return self.as_bytes
        warn(f'{self.kind.__name__} is published from Python objects, which takes longer: the '
             f'installed message package has another layout ({difference})')
        return self.as_object

    def layout_difference(self) -> str:
        """Compare the probe as bytes with its serialised object; return '' if they are equal."""
        message = self.as_object(*self.probe)
        expected, written = serialize_message(message), self.as_bytes(*self.probe)
        if len(written) != len(expected):
            return f'{len(expected)} bytes for a probe message, expected {len(written)}'
        try:
            read = deserialize_message(written, self.kind)
        except Exception as error:  # the class of the error depends on the middleware
            return f'it cannot read a probe message: {first_line(error)}'
        return '' if read == message else 'other values in a probe message'


def probe_header() -> Header:
    """Return a header for probe messages."""
    return Header(stamp=Time(sec=1, nanosec=2), frame_id='probe')


class TopicPublisher:
    """
    Publishes values as messages of a topic.

    :param publisher: publisher of the topic.
    :param build: returns the message, as an object or as bytes.
    """

    def __init__(self, publisher: Any, build: Callable[..., Any]) -> None:
        self._publisher = publisher
        self._build = build

    def publish(self, *values: Any) -> None:
        """Build a message from values and publish it; an inactive lifecycle publisher drops it."""
        self._publisher.publish(self._build(*values))

    def get_subscription_count(self) -> int:
        """Return the number of subscriptions of the topic."""
        return int(self._publisher.get_subscription_count())
