# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Asks a detector to load its new engine, without blocking the caller."""

from __future__ import annotations

from time import monotonic

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

APPEAR_S, SETTLE_S, ANSWER_S = 2.0, 0.3, 60.0


class ReloadCall:
    """
    One call of a Trigger service. The caller polls it while its node spins.

    :param node: the caller.
    :param service: name of the service, such as /inference/reload.
    """

    def __init__(self, node: Node, service: str) -> None:
        self._node = node
        self._service = service
        self._client = node.create_client(Trigger, service)
        self._since = monotonic()
        self._seen_at: float | None = None
        self._answer: Future | None = None

    def poll(self) -> str | None:
        """Return the outcome as a clause; None while the call is pending."""
        clause = self._clause(monotonic())
        if clause is not None:
            self._node.destroy_client(self._client)
        return clause

    def _clause(self, now: float) -> str | None:
        if self._answer is not None:
            return self._answered(self._answer, now)
        if self._seen_at is None:
            if self._client.service_is_ready():
                self._seen_at = now
            elif now - self._since > APPEAR_S:
                return f'{self._service} is not available, so no node reloads the engine'
        # The server may discover this client late, and would drop its response.
        elif now - self._seen_at > SETTLE_S:
            self._answer, self._since = self._client.call_async(Trigger.Request()), now
        return None

    def _answered(self, answer: Future, now: float) -> str | None:
        if answer.done():
            response = answer.result()
            return f"{self._service}{'' if response.success else ' refused'}: {response.message}"
        if now - self._since > ANSWER_S:
            return f'{self._service} has not answered in {ANSWER_S:g} s: see the log of its node'
        return None
