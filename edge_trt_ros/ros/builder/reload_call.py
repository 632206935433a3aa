"""Telling a detector to take its new engine, without keeping the caller waiting."""

from __future__ import annotations

from time import monotonic

from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

APPEAR_S, SETTLE_S, ANSWER_S = 2.0, 0.3, 60.0


class ReloadCall:
    """
    One call of a Trigger service, polled; the node is spun meanwhile.

    :param node: the caller.
    :param service: the service, as /inference/reload.
    """

    def __init__(self, node: Node, service: str) -> None:
        self._node = node
        self._service = service
        self._client = node.create_client(Trigger, service)
        self._since = monotonic()
        self._seen_at: float | None = None
        self._answer: Future | None = None

    def poll(self) -> str | None:
        """Return how it went, as a clause; None as long as that is open."""
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
                return f'{self._service} is not there, so nobody was told'
        # The server may see us later than we see it, and would drop its answer.
        elif now - self._seen_at > SETTLE_S:
            self._answer, self._since = self._client.call_async(Trigger.Request()), now
        return None

    def _answered(self, answer: Future, now: float) -> str | None:
        if answer.done():
            response = answer.result()
            return f"{self._service}{'' if response.success else ' refused'}: {response.message}"
        if now - self._since > ANSWER_S:
            return f'{self._service} has not answered in {ANSWER_S:g} s: look at its log'
        return None
