# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Finds the images on which two sets of detections differ most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.matching import matched_pairs

# Smaller differences of scores are rounding, not disagreement.
MIN_SCORE_GAP = 0.05


@dataclass(frozen=True)
class Side:
    """
    The boxes of one network in one image, compared with those of another.

    :param boxes: the boxes.
    :param gaps: float (n,), score difference to the partner of each box; infinite without one.
    """

    boxes: Detections
    gaps: NDArray[np.float64]

    @property
    def alone(self) -> Detections:
        """The boxes without a partner."""
        return self.boxes[np.isinf(self.gaps)]

    @property
    def differs(self) -> NDArray[np.bool_]:
        """Bool (n,), true for a box without a partner, or with another score than it."""
        return self.gaps >= MIN_SCORE_GAP


@dataclass(frozen=True)
class Disagreement:
    """
    How the boxes of one image differ.

    :param index: number of the image.
    :param expected: boxes of the reference, or of the labels.
    :param found: boxes of the compared network.
    """

    index: int
    expected: Side
    found: Side

    @property
    def alone(self) -> int:
        """Number of boxes without a partner."""
        return len(self.expected.alone) + len(self.found.alone)

    @property
    def score_gap(self) -> float:
        """Largest score difference of a pair; 0 without pairs."""
        gaps = self.expected.gaps
        return float(gaps[np.isfinite(gaps)].max(initial=0.0))


def greatest_disagreements(expected: Sequence[Detections], found: Sequence[Detections],
                           count: int) -> list[Disagreement]:
    """
    Return the images with the most boxes without a partner, then with the largest score gap.

    :param expected: detections of the reference in each image.
    :param found: detections of the compared network in each image.
    :param count: maximum number of images; those without a difference are left out.
    """
    compared = [_compared(index, *pair) for index, pair in enumerate(zip(expected, found))]
    differing = [one for one in compared if one.alone or one.score_gap >= MIN_SCORE_GAP]
    return sorted(differing, key=lambda one: (-one.alone, -one.score_gap, one.index))[:count]


def as_detections(truth: LabelledBoxes) -> Detections:
    """Return labelled objects as detections with the score 1; without ignored objects."""
    rows = ~truth.ignored
    return Detections(truth.boxes_xyxy[rows].astype(np.float32),
                      np.ones(int(rows.sum()), np.float32), truth.class_ids[rows])


def _compared(index: int, expected: Detections, found: Detections) -> Disagreement:
    gaps = np.full(len(expected), np.inf), np.full(len(found), np.inf)
    for one, other in matched_pairs(expected, found):
        gaps[0][one] = gaps[1][other] = abs(float(expected.scores[one] - found.scores[other]))
    return Disagreement(index, Side(expected, gaps[0]), Side(found, gaps[1]))
