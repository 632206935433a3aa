# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Counts images that a camera driver published and this node did not receive."""

from __future__ import annotations


class TransportLosses:
    """
    Counts the gaps in the sequence numbers that the middleware gives to a publisher's messages.

    Stamps cannot tell a loss from a pause, another frame rate, a step of the clock or a restart
    of the camera. Where the middleware numbers no messages, no loss is counted.
    """

    def __init__(self) -> None:
        self._publishers = 0
        self._last: int | None = None
        self._missing = 0

    def matched(self, publishers: int) -> None:
        """
        Note that publishers have appeared or gone; each of them counts from 1.

        :param publishers: their number now. With several publishers nothing is counted, since the
            numbers do not say whose they are.
        """
        self._publishers = publishers
        self._last, self._missing = None, 0

    def arrived(self, number: int | None) -> None:
        """
        Note the sequence number of a received message.

        :param number: the number, or None if the middleware has none.
        """
        if number is None or self._publishers != 1:
            return
        if self._last is not None and number > self._last:
            self._missing += number - self._last - 1
        self._last = number

    def taken(self) -> int:
        """Return the number of losses since the last call."""
        missing, self._missing = self._missing, 0
        return missing
