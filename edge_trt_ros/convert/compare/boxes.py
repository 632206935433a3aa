"""Boxes of an engine compared with those of its ONNX."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.errors import BuildError
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

MIN_SCORE = 0.05
CONFIDENT_SCORE = 0.25
_MIN_IOU = 0.5
_SAME_PLACE_PX = 2.0

RestError = Callable[[Any, Any, list[tuple[int, int]]], float]


def no_rest(expected: Any, actual: Any, pairs: list[tuple[int, int]]) -> float:
    """Return 0: there is nothing but boxes to compare."""
    return 0.0


class BoxComparison:
    """
    Compares boxes, and what belongs to them: masks, keypoints, angles.

    :param rows: how many boxes the head has for each image.
    :param kept: how many of them leave the device.
    :param limits: what the engine may differ by.
    :param detections: returns the boxes of a result.
    :param rest_error: returns the error of the rest of two results, given pairs of equal boxes.
    """

    def __init__(self, rows: int, kept: int, limits: Limits,
                 detections: Callable[[Any], Detections], rest_error: RestError = no_rest
                 ) -> None:
        self._rows, self._kept, self._limits = rows, kept, limits
        self._detections, self._rest_error = detections, rest_error
        self._threshold, self._confident_score = MIN_SCORE, CONFIDENT_SCORE
        self._boxes = self._confident = self._lost = 0
        self._box_error_px = self._score_error = self._worst_rest = 0.0

    def thresholds(self, runtime: Runtime, sample: Sample) -> Thresholds:
        """Return thresholds that keep every candidate: suppression amplifies rounding errors."""
        self._threshold, self._confident_score = MIN_SCORE, CONFIDENT_SCORE
        if self._kept < self._rows:
            # Candidates below the worst of the K best are left out; those equal to it may be.
            scores = runtime.collect(runtime.submit(sample))['scores']
            self._threshold = max(MIN_SCORE, float(scores.min()))
            self._confident_score = max(CONFIDENT_SCORE, self._threshold + self._limits.score)
        return Thresholds(self._threshold, nms_iou=1.0, max_detections=self._kept)

    def add(self, expected: Any, actual: Any) -> None:
        """Compare the results of one image."""
        one, other = self._detections(expected), self._detections(actual)
        if self._limits.precision == 'fp32':
            pairs = _equal_boxes(one, other, self._limits.box_px)
            self._worst_rest = max(self._worst_rest, self._rest_error(expected, actual, pairs))
        self._boxes += len(other)
        off_px, off = _difference(one, other, self._threshold)
        self._box_error_px = max(self._box_error_px, off_px)
        self._score_error = max(self._score_error, off)
        for some, others in ((one, other), (other, one)):
            confident = some[some.scores >= self._confident_score]
            self._confident += len(confident)
            self._lost += _without_partner(confident, others, self._limits)

    def verdict(self) -> dict[str, Any]:
        """
        Return the measured differences.

        :raises BuildError: if they are larger than the limits.
        """
        limits, lost = self._limits, self._lost / max(self._confident, 1)
        if self._worst_rest > limits.score:
            raise BuildError(f'the engine differs from its ONNX by {self._worst_rest:.4g} in '
                             f'masks, keypoints or angles, allowed is {limits.score}: it is not '
                             'installed')
        if self._box_error_px > limits.box_px or self._score_error > limits.score \
                or lost > limits.lost:
            raise BuildError(
                f'the engine differs from its ONNX by {self._box_error_px:.3f} px, '
                f'{self._score_error:.4f} in score and {100 * lost:.1f} % of {self._confident} '
                f'confident boxes, allowed for {limits.precision} are {limits.box_px} px, '
                f'{limits.score} and {100 * limits.lost:.0f} %: it is not installed')
        return {'boxes': self._boxes, 'max_box_error_px': round(self._box_error_px, 5),
                'max_score_error': round(self._score_error, 7), 'lost_boxes': round(lost, 5)}


def _difference(expected: Detections, actual: Detections, threshold: float
                ) -> tuple[float, float]:
    """Return the largest error of a box in pixels and of a score; boxes are paired by overlap."""
    count = min(len(expected), len(actual))
    # What only one side has must lie at the threshold; both are sorted by score.
    surplus = np.concatenate([expected.scores[count:], actual.scores[count:]])
    score_error = float(np.abs(surplus - threshold).max(initial=0.0))
    if not count:
        return 0.0, score_error
    score_error = max(score_error, float(np.abs(
        expected.scores[:count] - actual.scores[:count]).max()))
    overlap = _overlap(actual[:count], expected)
    paired = overlap.max(axis=1) >= _MIN_IOU
    partners = expected.boxes_xyxy[overlap.argmax(axis=1)]
    if not paired.any():
        return 0.0, score_error
    return float(np.abs(actual.boxes_xyxy[:count] - partners)[paired].max()), score_error


def _without_partner(some: Detections, others: Detections, limits: Limits) -> int:
    if not len(some) or not len(others):
        return len(some)
    # Of any class: where two classes are almost equal, rounding may swap them.
    near = np.abs(some.scores[:, None] - others.scores[None, :]) <= limits.score
    same_place = box_iou(some.boxes_xyxy, others.boxes_xyxy) >= _MIN_IOU
    # What the image's border leaves of a box may be thinner than a pixel.
    off_px = np.abs(some.boxes_xyxy[:, None] - others.boxes_xyxy[None, :]).max(axis=2)
    return int((~(near & (same_place | (off_px <= _SAME_PLACE_PX)))).all(axis=1).sum())


def _equal_boxes(one: Detections, other: Detections, within_px: float) -> list[tuple[int, int]]:
    """Return pairs of rows whose boxes and scores are equal; a lost box is counted elsewhere."""
    if not len(one) or not len(other):
        return []
    off = np.abs(one.boxes_xyxy[:, None] - other.boxes_xyxy[None]).max(2)
    off += np.abs(one.scores[:, None] - other.scores[None])
    partners = off.argmin(1)
    return [(row, int(partners[row])) for row in np.flatnonzero(off.min(1) <= within_px).tolist()]


def field_error(name: str) -> RestError:
    """
    Return a comparison of one field of detections, as 'keypoints' or 'angles_rad'.

    :param name: the field. Its error is relative to its largest value where that is above 1.
    """
    def error(expected: Detections, actual: Detections, pairs: list[tuple[int, int]]) -> float:
        values, others = getattr(expected, name), getattr(actual, name)
        if values is None or others is None or not pairs:
            return 0.0
        rows, partners = (list(some) for some in zip(*pairs))
        scale = max(1.0, float(np.abs(values).max()))
        return float(np.abs(values[rows] - others[partners]).max()) / scale
    return error


def _overlap(some: Detections, others: Detections) -> NDArray[np.float32]:
    """Return the IoU of all pairs, 0 for boxes of different classes."""
    same_class = some.class_ids[:, None] == others.class_ids[None, :]
    return np.asarray(box_iou(some.boxes_xyxy, others.boxes_xyxy) * same_class, np.float32)
