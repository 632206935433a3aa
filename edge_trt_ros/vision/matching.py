"""The detections of two networks on the same images, matched one to one."""

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
    :param found: boxes of the other network.
    :param matched: pairs of one class that overlap by at least `MIN_IOU`.
    :param score_drift: mean difference of score of the pairs.
    """

    expected: int
    found: int
    matched: int
    score_drift: float

    @property
    def f1(self) -> float:
        """Twice the pairs over all boxes of both; 1 if neither has any."""
        total = self.expected + self.found
        return 2 * self.matched / total if total else 1.0


def match_detections(pairs: Iterable[tuple[Detections, Detections]]) -> Agreement:
    """
    Match the detections of a reference with those of another network.

    :param pairs: for each image those of the reference and those of the other.
    """
    expected = found = 0
    drifts: list[float] = []
    for reference, other in pairs:
        expected, found = expected + len(reference), found + len(other)
        drifts += _drifts(reference, other)
    return Agreement(expected, found, len(drifts), float(np.mean(drifts)) if drifts else 0.0)


def _drifts(reference: Detections, other: Detections) -> list[float]:
    """Match greedily, highest score first; return the difference of score of each pair."""
    if not len(reference) or not len(other):
        return []
    overlap = box_iou(reference.boxes_xyxy, other.boxes_xyxy)
    overlap = np.where(reference.class_ids[:, None] == other.class_ids[None, :], overlap, 0.0)
    drifts = []
    for index in np.argsort(-reference.scores, kind='stable'):
        partner = int(overlap[index].argmax())
        if overlap[index, partner] >= MIN_IOU:
            drifts.append(abs(float(reference.scores[index] - other.scores[partner])))
            overlap[:, partner] = 0.0
    return drifts
