"""Pairs messages of two topics by their time stamps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
import importlib.util
from typing import Any

Feed = Callable[[Any], None]


def pair_by_stamp(matched: Callable[[Any, Any], None], slop_s: float, depth: int
                  ) -> tuple[Feed, Feed]:
    """
    Pair messages whose stamps are close; each is used once.

    :param matched: called with a message of the first and one of the second topic.
    :param slop_s: largest difference of two stamps in seconds.
    :param depth: how many messages of each topic to keep.
    :returns: a function for the messages of each topic.
    """
    if importlib.util.find_spec('message_filters') is None:
        pairs = _NearestStamps(matched, round(slop_s * 1e9), depth)
        return (lambda message: pairs.add(0, message)), (lambda message: pairs.add(1, message))
    from message_filters import ApproximateTimeSynchronizer, SimpleFilter
    first, second = SimpleFilter(), SimpleFilter()
    ApproximateTimeSynchronizer([first, second], depth, slop_s).registerCallback(matched)
    return first.signalMessage, second.signalMessage


class _NearestStamps:
    """What message_filters does, for two topics, where it is not installed."""

    def __init__(self, matched: Callable[[Any, Any], None], slop_ns: int, depth: int) -> None:
        self._matched = matched
        self._slop_ns = slop_ns
        self._waiting: tuple[deque[tuple[int, Any]], ...] = (
            deque(maxlen=depth), deque(maxlen=depth))

    def add(self, topic: int, message: Any) -> None:
        stamp = message.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        others = self._waiting[1 - topic]
        near = min(others, key=lambda other: abs(other[0] - stamp_ns), default=None)
        if near is None or abs(near[0] - stamp_ns) > self._slop_ns:
            self._waiting[topic].append((stamp_ns, message))
            return
        others.remove(near)
        self._matched(*((message, near[1]) if topic == 0 else (near[1], message)))
