# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Matches the detections of two networks on the same images, pair by pair."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections

MIN_IOU = 0.5


@dataclass(frozen=True)
class Agreement:
    """
    How well the boxes of two networks agree.

    :param expected: boxes of the reference.
    :param found: boxes of the compared network.
    :param matched: pairs of boxes of the same class with an IoU of at least `MIN_IOU`.
    :param score_drift: mean score difference of the pairs.
    """

    expected: int
    found: int
    matched: int
    score_drift: float

    @property
    def f1(self) -> float:
        """Twice the number of pairs divided by the number of boxes; 1 without any boxes."""
        total = self.expected + self.found
        return 2 * self.matched / total if total else 1.0


def match_detections(pairs: Iterable[tuple[Detections, Detections]]) -> Agreement:
    """
    Match the detections of a reference network with those of a compared network.

    :param pairs: for each image the detections of the reference and of the compared network.
    """
    expected = found = 0
    drifts: list[float] = []
    for reference, compared in pairs:
        expected, found = expected + len(reference), found + len(compared)
        drifts += [abs(float(reference.scores[one] - compared.scores[other]))
                   for one, other in matched_pairs(reference, compared)]
    return Agreement(expected, found, len(drifts), float(np.mean(drifts)) if drifts else 0.0)


def matched_pairs(reference: Detections, compared: Detections) -> list[tuple[int, int]]:
    """Match the boxes of one image greedily, highest score first; return pairs of rows."""
    if not len(reference) or not len(compared):
        return []
    overlap = box_iou(reference.boxes_xyxy, compared.boxes_xyxy)
    same_class = reference.class_ids[:, None] == compared.class_ids[None, :]
    overlap = np.where(same_class, overlap, 0.0)
    pairs = []
    for index in np.argsort(-reference.scores, kind='stable'):
        partner = int(overlap[index].argmax())
        if overlap[index, partner] >= MIN_IOU:
            pairs.append((int(index), partner))
            overlap[:, partner] = 0.0
    return pairs
