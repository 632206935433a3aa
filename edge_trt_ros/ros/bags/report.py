# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a run over an archive found, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge_trt_ros.ros.bags.task import Counts

DONE, SKIPPED, FAILED = 'done', 'skipped', 'failed'


@dataclass(frozen=True)
class BagReport:
    """
    What became of a bag.

    :param bag: its name.
    :param path: the bag that was written.
    :param state: `DONE`, `SKIPPED` (it was done before) or `FAILED`.
    :param counts: what it contains.
    :param reason: why it failed.
    :param code: stable code of the failure.
    """

    bag: str
    path: Path
    state: str
    counts: Counts
    reason: str = ''
    code: str = ''

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {'bag': self.bag, 'path': str(self.path), 'state': self.state,
                **self.counts.to_dict(), 'detections': self.counts.detections,
                'reason': self.reason, 'code': self.code}


@dataclass
class Report:
    """What became of all bags."""

    bags: list[BagReport] = field(default_factory=list)

    @property
    def counts(self) -> Counts:
        """The counts of all bags."""
        total = Counts()
        for row in self.bags:
            total.add(row.counts)
        total.stated = sum(row.counts.stated for row in self.bags)
        return total

    def of(self, state: str) -> list[BagReport]:
        """Return the bags in a state."""
        return [row for row in self.bags if row.state == state]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        total = self.counts
        return {'bags': {state: len(self.of(state)) for state in (DONE, SKIPPED, FAILED)},
                'images': total.images, 'skipped_images': total.skipped,
                'detections': total.detections, 'by_class': total.to_dict()['by_class'],
                'each': [row.to_dict() for row in self.bags]}

    def warnings(self) -> list[str]:
        """Return what a user should know, as sentences."""
        found = [f'{row.bag}: {row.reason}' + (f' [{row.code}]' if row.code else '')
                 for row in self.of(FAILED)]
        for row in self.bags:
            if row.counts.skipped:
                found.append(f'{row.bag}: {row.counts.skipped} images were skipped: '
                             f'{row.counts.problem}')
            found += [f'{row.bag}: {topic} is not copied, its type is unknown'
                      for topic in row.counts.left_out]
        return found

    def text(self) -> str:
        """Return the report for a terminal."""
        total = self.counts
        bags = [f'{len(self.of(state))} {word}' for state, word in (
            (DONE, 'written'), (SKIPPED, 'done before'), (FAILED, 'failed')) if self.of(state)]
        lines = [f"bags: {', '.join(bags)}", f'images: {total.images}',
                 f'detections: {total.detections}']
        return '\n'.join(lines + [f'  {label}: {number}' for label, number in sorted(
            total.by_class.items(), key=lambda item: (-item[1], item[0]))])
