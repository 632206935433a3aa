# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The newest messages of the inputs beside the one that starts a run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import Any

from rclpy.node import Node

from edge_trt_ros.ros.inference.inputs import InputTopic
from edge_trt_ros.ros.inference.losses import TransportLosses
from edge_trt_ros.ros.inference.subscription import InputSubscription
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors

MISSING, TOO_OLD = 'dropped_for_missing', 'dropped_for_old_input'


class NewestInputs:
    """
    Keeps one message of each topic.

    :param node: the node.
    :ivar problem: why the last run was dropped, as a sentence.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._newest: dict[str, tuple[Any, float]] = {}
        self._subscriptions: list[InputSubscription] = []
        self.problem = ''

    def subscribe(self, topics: tuple[InputTopic, ...]) -> None:
        """Receive messages; those of an earlier subscription are forgotten."""
        self._newest.clear()
        for source in topics:
            name = self._node.resolve_topic_name(source.topic)
            self._subscriptions.append(InputSubscription(
                self._node, name, source, partial(self._take, source.topic),
                TransportLosses(), _never_parsed))

    def unsubscribe(self) -> None:
        """Receive no more messages; may be called twice."""
        while self._subscriptions:
            self._subscriptions.pop().destroy()

    def lack(self, topics: tuple[InputTopic, ...]) -> str:
        """
        Return why a run must be dropped now: `MISSING`, `TOO_OLD`, or '' if nothing lacks.

        :param topics: the topics of the network.
        """
        for source in topics:
            name = self._node.resolve_topic_name(source.topic)
            _, arrived = self._newest.get(source.topic, (None, 0.0))
            if not arrived:
                self.problem = (f'nothing was received on {name} yet: start its publisher, or '
                                'correct the remapping')
                return MISSING
            age_ms = (perf_counter() - arrived) * 1e3
            if 0 < source.max_age_ms < age_ms:
                self.problem = (f'the newest message on {name} is {age_ms:.0f} ms old, max_age_ms '
                                f'in the tensor contract is {source.max_age_ms:g}: look at its '
                                'publisher, or build with a larger max_age_ms')
                return TOO_OLD
        return ''

    def joined(self, sample: Sample, topics: tuple[InputTopic, ...]) -> Sample:
        """
        Return a sample with the newest messages of the other inputs.

        :param sample: what starts the run.
        :param topics: the topics of the network, of which none lacks.
        :raises ImageError: for a message that does not fit its tensor.
        """
        if not isinstance(sample, Tensors):
            return sample
        by_name: dict[str, Any | Frame] = dict(sample.by_name)
        for source in topics:
            message, _ = self._newest[source.topic]
            read = source.read(message, self._node.resolve_topic_name(source.topic))
            by_name |= read.by_name if isinstance(read, Tensors) else {}
        return replace(sample, by_name=by_name)

    def _take(self, topic: str, message: Any, number: int | None) -> None:
        self._newest[topic] = message, perf_counter()


def _never_parsed(error: Exception, number: int | None) -> None:
    """Do nothing: rclpy itself makes the messages of these topics."""
