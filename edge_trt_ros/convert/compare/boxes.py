# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare the boxes of an engine with those of its ONNX model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.errors import BuildError
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import infer
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
    """Return 0: these results contain only boxes."""
    return 0.0


class BoxComparison:
    """
    Compares boxes and their masks, keypoints or angles.

    :param rows: number of boxes that the head produces for each image.
    :param kept: number of boxes that leave the device.
    :param limits: the allowed differences.
    :param detections: returns the boxes of a result.
    :param rest_error: returns the error of the masks, keypoints or angles of two results, given
        pairs of equal boxes.
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
        """Return thresholds that keep every candidate, because NMS amplifies rounding errors."""
        self._threshold, self._confident_score = MIN_SCORE, CONFIDENT_SCORE
        if self._kept < self._rows:
            # The K best candidates leave the device. Candidates whose score equals the lowest of
            # these may be missing.
            every = Thresholds(MIN_SCORE, nms_iou=1.0, max_detections=self._kept)
            scores = self._detections(infer(runtime, sample, every)[0]).scores
            self._threshold = max(MIN_SCORE, float(scores.min()) if len(scores) else 0.0)
            self._confident_score = max(CONFIDENT_SCORE, self._threshold + self._limits.score)
        return Thresholds(self._threshold, nms_iou=1.0, max_detections=self._kept)

    def add(self, expected: Any, actual: Any) -> None:
        """Compare the results of one image."""
        reference, detections = self._detections(expected), self._detections(actual)
        if self._limits.precision == 'fp32':
            pairs = _equal_boxes(reference, detections, self._limits.box_px)
            self._worst_rest = max(self._worst_rest, self._rest_error(expected, actual, pairs))
        self._boxes += len(detections)
        box_error_px, score_error = _difference(reference, detections, self._threshold)
        self._box_error_px = max(self._box_error_px, box_error_px)
        self._score_error = max(self._score_error, score_error)
        for boxes, partners in ((reference, detections), (detections, reference)):
            confident = boxes[boxes.scores >= self._confident_score]
            self._confident += len(confident)
            self._lost += _without_partner(confident, partners, self._limits)

    def verdict(self) -> dict[str, Any]:
        """
        Return the measured differences.

        :raises BuildError: if they exceed the limits.
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
    """Return the maximum error of a box in pixels and of a score; boxes are paired by overlap."""
    count = min(len(expected), len(actual))
    # Both are sorted by score. Scores that only one of them has must lie at the threshold.
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


def _without_partner(boxes: Detections, partners: Detections, limits: Limits) -> int:
    if not len(boxes) or not len(partners):
        return len(boxes)
    # The class is not compared: rounding may swap two classes with almost equal scores.
    near = np.abs(boxes.scores[:, None] - partners.scores[None, :]) <= limits.score
    same_place = box_iou(boxes.boxes_xyxy, partners.boxes_xyxy) >= _MIN_IOU
    # A box that the image border clips may be thinner than a pixel, and its IoU meaningless.
    error_px = np.abs(boxes.boxes_xyxy[:, None] - partners.boxes_xyxy[None, :]).max(axis=2)
    return int((~(near & (same_place | (error_px <= _SAME_PLACE_PX)))).all(axis=1).sum())


def _equal_boxes(expected: Detections, actual: Detections, within_px: float
                 ) -> list[tuple[int, int]]:
    """Return pairs of rows with equal boxes and scores; `_without_partner` counts lost boxes."""
    if not len(expected) or not len(actual):
        return []
    error = np.abs(expected.boxes_xyxy[:, None] - actual.boxes_xyxy[None]).max(2)
    error += np.abs(expected.scores[:, None] - actual.scores[None])
    partners = error.argmin(1)
    return [(row, int(partners[row]))
            for row in np.flatnonzero(error.min(1) <= within_px).tolist()]


def field_error(name: str) -> RestError:
    """
    Return a comparison of a field of detections, such as 'keypoints' or 'angles_rad'.

    :param name: the field. Its error is relative to its maximum value if that exceeds 1.
    """
    def error(expected: Detections, actual: Detections, pairs: list[tuple[int, int]]) -> float:
        reference, values = getattr(expected, name), getattr(actual, name)
        if reference is None or values is None or not pairs:
            return 0.0
        rows, partners = (list(indices) for indices in zip(*pairs))
        scale = max(1.0, float(np.abs(reference).max()))
        return float(np.abs(reference[rows] - values[partners]).max()) / scale
    return error


def _overlap(boxes: Detections, partners: Detections) -> NDArray[np.float32]:
    """Return the IoU of all pairs, 0 for boxes of different classes."""
    same_class = boxes.class_ids[:, None] == partners.class_ids[None, :]
    return np.asarray(box_iou(boxes.boxes_xyxy, partners.boxes_xyxy) * same_class, np.float32)
