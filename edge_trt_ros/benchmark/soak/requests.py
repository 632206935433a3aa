# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A client that sends random requests to both nodes, fitting or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from time import monotonic
from types import MappingProxyType
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
import numpy as np
from rcl_interfaces.srv import SetParameters
from rclpy.node import Node
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

Values = tuple[tuple[str, Any], ...]
# Name of the service, its type, and how often it is called.
_SERVICES: tuple[tuple[str, Any, float], ...] = (
    ('inference/change_state', ChangeState, 30), ('inference/get_state', GetState, 10),
    ('inference/get_available_transitions', GetAvailableTransitions, 5),
    ('inference/reload', Trigger, 10), ('inference/enable', SetBool, 8),
    ('inference/reset_tracks', Trigger, 3), ('inference/reset_state', Trigger, 2),
    ('inference/set_parameters', SetParameters, 20),
    ('engine_builder/set_parameters', SetParameters, 2), ('engine_builder/soak/build', Trigger, 1),
    ('engine_builder/soak/cancel', Trigger, 0.3), ('engine_builder/build_all', Trigger, 0.3))
# configure and activate come often: a node that is mostly idle would be an easy soak.
_TRANSITIONS = (1, 1, 1, 3, 3, 3, 3, 3, 3, 4, 2)
# None of these: a node that is shut down does nothing any more.
_SHUTDOWN = (5, 6, 7)
_INFERENCE: Values = (
    ('confidence_threshold', 0.3), ('confidence_threshold', 7.0), ('class_names', []),
    ('class_names', ['unicorn']), ('max_rate_hz', 5.0), ('max_rate_hz', 0.0),
    ('max_rate_hz', 0.0), ('max_frame_age_ms', 500.0), ('max_frame_age_ms', 0.0),
    ('cameras', ['front', 'left']), ('cameras', ['left']), ('cameras', []), ('cameras', ['a b']),
    ('image_transport', 'compressed'), ('image_transport', 'raw'), ('allowed_folders', ['/']),
    ('max_detections', 'many'), ('nonsense', 1), ('backend', 'tensorrt'),
    *6 * (('backend', 'auto'),))
_BUILDER: Values = (
    ('soak.force_engine_update', True), ('soak.force_engine_update', False), ('models', ['x']),
    ('soak.precision', 'fp1'))


class RandomClient:
    """
    Sends one request after the other, each when the last one was answered.

    :param node: the node that sends.
    :param engine: path of the engine.
    :param random: source of all decisions.
    :param pause_s: maximum pause between two requests.
    :ivar answers: number of answers by service.
    """

    def __init__(self, node: Node, engine: str, random: np.random.Generator, pause_s: float
                 ) -> None:
        self._random, self._pause_s = random, pause_s
        self._kinds = {name: kind for name, kind, _ in _SERVICES}
        self._clients = {name: node.create_client(kind, name) for name, kind in
                         self._kinds.items()}
        weights = np.array([weight for _, _, weight in _SERVICES])
        self._chances = weights / weights.sum()
        self._parameters: Mapping[str, Values] = MappingProxyType({
            'inference/set_parameters': (
                *_INFERENCE, ('engine_file_path', '/elsewhere'),
                *6 * (('engine_file_path', engine),)),
            'engine_builder/set_parameters': _BUILDER})
        self._waiting: Any = None
        self._service = ''
        self._since = 0.0
        self.answers: Counter[str] = Counter()

    def is_ready(self) -> bool:
        """Return whether all services are there."""
        return all(client.service_is_ready() for client in self._clients.values())

    def waits_s(self) -> tuple[str, float]:
        """Return the service that has not answered yet, and since how many seconds."""
        self._collect()
        waits = self._waiting is not None
        return (self._service, monotonic() - self._since) if waits else ('', 0.0)

    def turn(self) -> None:
        """Send the next request if the last one was answered and the pause is over."""
        self._collect()
        if self._waiting is None and monotonic() >= self._since:
            self._service = str(self._random.choice(list(self._clients), p=self._chances))
            self._waiting = self._clients[self._service].call_async(self._request(self._service))
            self._since = monotonic()

    def _collect(self) -> None:
        if self._waiting is not None and self._waiting.done():
            self._waiting.result()
            self._waiting = None
            self.answers[self._service] += 1
            self._since = monotonic() + self._random.random() * self._pause_s

    def _request(self, name: str) -> Any:
        request = self._kinds[name].Request()
        if name.endswith('change_state'):
            choices = (*_TRANSITIONS, int(self._random.integers(256)))
            number = choices[self._random.integers(len(choices))]
            if number not in _SHUTDOWN:
                request.transition = Transition(id=number)
        elif name.endswith('enable'):
            request.data = bool(self._random.random() < 0.85)
        elif name.endswith('set_parameters'):
            values = self._parameters[name]
            key, value = values[self._random.integers(len(values))]
            request.parameters = [Parameter(key, value=value).to_parameter_msg()]
        return request
