# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Accounts for every image: received = published + dropped with a reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from diagnostic_msgs.msg import DiagnosticArray

from edge_trt_ros.ros.inference.stream_status import ENDINGS

# Images that wait or are in work while the node counts: one each, and those that it just counted.
_IN_FLIGHT = 4


class FrameLedger:
    """
    Adds up the last counts of each input: from configure, or from its addition, to its end.

    :param node_name: full name of the inference node, without the first slash.
    :ivar totals: the counts of all inputs that ended.
    :ivar ended: how many inputs ended.
    :ivar running_rss_mb: memory of the node in the latest entry of a running input.
    :ivar problems: sentences; empty if every image is accounted for.
    """

    def __init__(self, node_name: str) -> None:
        self._prefix = f'{node_name}: '
        self._received: dict[str, int] = {}
        self.totals: Counter[str] = Counter()
        self.ended = 0
        self.running_rss_mb: float | None = None
        self.problems: list[str] = []

    def read(self, message: DiagnosticArray) -> None:
        """Note the counts in a message of /diagnostics."""
        for status in message.status:
            values = {entry.key: entry.value for entry in status.values}
            if status.name.startswith(self._prefix) and 'received' in values:
                self._note(status.name.removeprefix(self._prefix), values)

    def close(self) -> None:
        """Report inputs whose last counts did not arrive."""
        for name, received in self._received.items():
            self.problems.append(f'{name}: {received} images were received, and the last counts '
                                 'did not arrive')

    def _note(self, name: str, values: Mapping[str, str]) -> None:
        received = int(values['received'])
        endings = {ending: int(values[ending]) for ending in ENDINGS}
        open_now = received - sum(endings.values())
        if values.get('stream') == 'ended':
            self._received.pop(name, None)
            self.ended += 1
            self.totals.update({'received': received, **endings})
            if open_now:
                self.problems.append(f'{name}: {received} images were received, and '
                                     f'{sum(endings.values())} published or dropped: {endings}')
            return
        self.running_rss_mb = float(values['process_rss_mb'])
        if received < self._received.get(name, 0):
            self.problems.append(f'{name}: the count of received images fell from '
                                 f'{self._received[name]} to {received}')
        if abs(open_now) > _IN_FLIGHT:
            self.problems.append(f'{name}: {open_now} of {received} images are neither published '
                                 'nor dropped, nor can so many wait')
        self._received[name] = received
