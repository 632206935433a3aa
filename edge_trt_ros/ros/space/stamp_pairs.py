# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Pairs messages of two topics by their time stamps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
import importlib.util
from typing import Any

from edge_trt_ros.stamps import stamp_ns

Feed = Callable[[Any], None]


def pair_by_stamp(matched: Callable[[Any, Any], None], slop_s: float, depth: int
                  ) -> tuple[Feed, Feed]:
    """
    Pair messages whose stamps are close; each message is used at most once.

    :param matched: called with a message of the first topic and a message of the second topic.
    :param slop_s: maximum difference of two stamps in seconds.
    :param depth: number of messages to keep of each topic.
    :returns: for each topic the function to call with its messages.
    """
    if importlib.util.find_spec('message_filters') is None:
        pairs = _NearestStamps(matched, round(slop_s * 1e9), depth)
        return (lambda message: pairs.add(0, message)), (lambda message: pairs.add(1, message))
    from message_filters import ApproximateTimeSynchronizer, SimpleFilter
    first, second = SimpleFilter(), SimpleFilter()
    ApproximateTimeSynchronizer([first, second], depth, slop_s).registerCallback(matched)
    return first.signalMessage, second.signalMessage


class _NearestStamps:
    """Pairs messages of two topics where message_filters is not installed."""

    def __init__(self, matched: Callable[[Any, Any], None], slop_ns: int, depth: int) -> None:
        self._matched = matched
        self._slop_ns = slop_ns
        self._waiting: tuple[deque[tuple[int, Any]], ...] = (
            deque(maxlen=depth), deque(maxlen=depth))

    def add(self, topic: int, message: Any) -> None:
        at_ns = stamp_ns(message.header)
        candidates = self._waiting[1 - topic]
        nearest = min(candidates, key=lambda waiting: abs(waiting[0] - at_ns), default=None)
        if nearest is None or abs(nearest[0] - at_ns) > self._slop_ns:
            self._waiting[topic].append((at_ns, message))
            return
        candidates.remove(nearest)
        self._matched(*((message, nearest[1]) if topic == 0 else (nearest[1], message)))
