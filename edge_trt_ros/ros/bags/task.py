# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What to do with each bag, and what was found in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from edge_trt_ros.errors import BagError
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class BagTask:
    """
    What to do with each bag.

    :param topic: topic of the images or texts; '' for the only one.
    :param namespace: namespace of the topics that are written, such as /camera; '' for none.
    :param copy: whether to copy the messages of the source as well.
    :param track: whether detections get track IDs.
    :param overlay: whether to write the images with drawn results.
    :param thresholds: what to keep.
    """

    topic: str = ''
    namespace: str = ''
    copy: bool = True
    track: bool = False
    overlay: bool = False
    thresholds: Thresholds = Thresholds()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that identify the task."""
        return asdict(self)


@dataclass(frozen=True)
class Span:
    """
    A time slice of a bag.

    :param start_ns: time of its first message; None for the begin of the bag.
    :param stop_ns: time after its last message; None for the end of the bag.
    """

    start_ns: int | None = None
    stop_ns: int | None = None


@dataclass
class Counts:
    """
    What was found in a bag, in a slice of it, or in all bags.

    :param images: images, or texts, with a result.
    :param skipped: images that cannot be decoded, or whose result is not finite.
    :param problem: why the first of them was skipped.
    :param stated: number of images that the bag states to have.
    :param by_class: number of detections by label; of a classifier, of images by their class.
    :param topic: topic of the images.
    :param left_out: topics that are not copied, because their type is unknown.
    """

    images: int = 0
    skipped: int = 0
    problem: str = ''
    stated: int = 0
    by_class: dict[str, int] = field(default_factory=dict)
    topic: str = ''
    left_out: list[str] = field(default_factory=list)

    @property
    def detections(self) -> int:
        """The number of detections of all classes."""
        return sum(self.by_class.values())

    def add(self, other: Counts) -> None:
        """Add the counts of another slice, each of which states the images of the whole bag."""
        self.stated = max(self.stated, other.stated)
        self.images += other.images
        self.skipped += other.skipped
        self.problem = self.problem or other.problem
        self.topic = self.topic or other.topic
        for label, number in other.by_class.items():
            self.by_class[label] = self.by_class.get(label, 0) + number
        self.left_out = sorted({*self.left_out, *other.left_out})

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain values, labels in the order of the alphabet."""
        return {**asdict(self), 'by_class': dict(sorted(self.by_class.items()))}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Counts:
        """
        Return the counts of plain values.

        :raises BagError: if they are not counts.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise BagError(f'the record of a bag is not readable: {error}') from error
