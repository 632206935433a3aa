"""How far two networks agree on the same images, whatever their task."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.raw_tensors import RawTensors

MIN_IOU = 0.5


@dataclass(frozen=True)
class Agreement:
    """
    What became of the boxes of a reference.

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
        """Twice the pairs over all boxes of both; 1 where neither sees anything."""
        total = self.expected + self.found
        return 2 * self.matched / total if total else 1.0


def agreement(pairs: Iterable[tuple[Detections, Detections]]) -> Agreement:
    """
    Compare the detections of a reference and of another network.

    :param pairs: for each image those of the reference and those of the other.
    """
    expected = found = 0
    drifts: list[float] = []
    for reference, other in pairs:
        expected, found = expected + len(reference), found + len(other)
        drifts += _drifts(reference, other)
    return Agreement(expected, found, len(drifts), float(np.mean(drifts)) if drifts else 0.0)


def share_kept(pairs: Iterable[tuple[Result, Result]]) -> float:
    """
    Return how much of what a reference sees another network sees, too: 0 to 1.

    Boxes by their F1, images by their best class, maps by the share of equal pixels, tensors by
    what is left of their norm after the difference.

    :param pairs: for each image what the reference gives and what the other does.
    """
    boxes: list[tuple[Detections, Detections]] = []
    shares: list[float] = []
    for one, other in pairs:
        if isinstance(one, Instances) and isinstance(other, Instances):
            boxes.append((one.detections, other.detections))
        elif isinstance(one, Detections) and isinstance(other, Detections):
            boxes.append((one, other))
        elif isinstance(one, Classification) and isinstance(other, Classification):
            shares.append(float(one.class_ids[0] == other.class_ids[0]))
        elif isinstance(one, ClassMap) and isinstance(other, ClassMap):
            shares.append(float(np.mean(one.classes == other.classes)))
        elif isinstance(one, RawTensors) and isinstance(other, RawTensors):
            shares += [max(0.0, 1 - float(np.linalg.norm(values - others)
                                          / max(float(np.linalg.norm(values)), 1e-12)))
                       for values, others in zip(one.by_name.values(), other.by_name.values())]
    return agreement(boxes).f1 if boxes else float(np.mean(shares)) if shares else 1.0


def _drifts(reference: Detections, other: Detections) -> list[float]:
    """Match greedily, the surest first; return the difference of score of each pair."""
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
