# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Compare the detections of an engine with those of its ONNX model, object by object.

Detections of the same class are matched one to one, the greatest overlap first. Differences that
all pairs have in common (a shift, a size, a score) are a fault; rounding scatters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import LIMIT_SCALE, LIMIT_SIDE_PX, Limits
from edge_trt_ros.convert.compare.verdict import common, high, Verdict
from edge_trt_ros.vision.boxes import box_iou, clip_boxes, xyxy_to_xywh
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox, NO_PICTURE
from edge_trt_ros.vision.thresholds import Thresholds

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
# Returns signed differences by name, given two results and the pairs of their rows.
Fields = Callable[[Any, Any, Pairs], Mapping[str, NDArray[Any]]]

_MIN_IOU = 0.5
# Share of boxes whose class may be another one with an equal score.
_MAX_OTHER_CLASS = 0.1
# Overlap above that of the NMS which rounding cannot explain.
_OVERLAP_SLACK = 0.1


def no_fields(expected: Any, actual: Any, pairs: Pairs) -> Mapping[str, NDArray[Any]]:
    """Return nothing: these results contain only boxes."""
    return {}


class BoxComparison:
    """
    Compares detections, with their masks, keypoints or angles.

    :param limits: the allowed differences.
    :param detections: returns the boxes of a result.
    :param fields: returns further differences of pairs, each with a limit of this name.
    """

    def __init__(self, limits: Limits, detections: Callable[[Any], Detections],
                 fields: Fields = no_fields) -> None:
        self._limits, self._detections, self._fields = limits, detections, fields
        self._confident = self._lost = self._seen = self._other_class = self._doubled = 0
        self._letterbox = NO_PICTURE
        self._phantoms: list[Detections] = []
        self._margin, self._shrink = 0.0, 1.0
        self._values: dict[str, list[NDArray[Any]]] = {}

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """Return the thresholds of a node; higher ones if more candidates would pass them."""
        self._letterbox = letterbox
        self._shrink = max(1.0, max(letterbox.source_size_wh) / LIMIT_SIDE_PX,
                           1 / (LIMIT_SCALE * letterbox.scale_x))
        usual = Thresholds()
        confidence = max(usual.confidence, lowest)
        self._margin = confidence + self._limits.score
        return Thresholds(confidence, usual.nms_iou, usual.max_detections)

    def add(self, expected: Any, actual: Any, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """Compare the results of one image; see `Comparison.add`."""
        reference, found = self._detections(expected), self._detections(actual)
        pairs = matched(reference, found)
        self._count_seen(reference, shows_content)
        # Rounding moves a box across either limit: only clear doubles of the engine count.
        allowed_iou = Thresholds().nms_iou
        self._doubled += max(0, _doubles(
            found[found.scores >= self._margin], allowed_iou + _OVERLAP_SLACK)
            - _doubles(reference, allowed_iou))
        doubtful = []
        for boxes, partners in zip((reference, found), pairs):
            confident = boxes.scores >= self._margin
            self._confident += int(confident.sum())
            confident[partners] = False
            # A full list ends somewhere, and rounding decides which of two equals is the last.
            full = len(boxes) >= Thresholds().max_detections
            doubtful.append(boxes[confident & (not full)])
        if len(pairs[0]):
            values = {**_differences(reference[pairs[0]], found[pairs[1]], self._shrink),
                      **self._fields(expected, actual, pairs)}
            # The overlap of boxes thinner than a few pixels says nothing: those must be near.
            values['missing_overlap'] *= values['box_px'] > self._limits.box_px[0]
            weak = (values['missing_overlap'] > 1 - self._limits.overlap) | (
                values['box_px'] > self._limits.box_px[1])
            excused = np.zeros(len(weak), bool)
            if weak.any():
                excused[weak] = self._had_all(candidates, found[pairs[1][weak]], 0) & \
                    self._had_all(candidates, reference[pairs[0][weak]], 1)
            self._keep(excused, values)
        for side, boxes in enumerate(doubtful):
            if len(boxes):
                self._lost += int((~self._had_all(candidates, boxes, 1 - side)).sum())

    def _count_seen(self, reference: Detections, shows_content: bool) -> None:
        """Count objects that a network sees in an image, but not where there is nothing."""
        letterbox = self._letterbox
        if not shows_content:
            self._phantoms.append(replace(
                reference, boxes_xyxy=letterbox.boxes_to_network(reference.boxes_xyxy)))
            return
        known = np.zeros(len(reference), bool)
        for phantoms in self._phantoms:
            boxes = clip_boxes(letterbox.boxes_to_source(phantoms.boxes_xyxy),
                               letterbox.source_size_wh)
            known[matched(reference, replace(phantoms, boxes_xyxy=boxes))[0]] = True
        self._seen += int((~known).sum())

    def _had_all(self, candidates: Callable[[], tuple[Any, Any]], boxes: Detections, side: int
                 ) -> NDArray[np.bool_]:
        """
        Return which boxes the other side had as candidates, and only NMS dropped.

        Where two candidates of an object have almost equal scores, rounding decides which one
        suppresses the other.
        """
        others = self._detections(candidates()[side])
        if not len(others):
            return np.zeros(len(boxes), bool)
        same = boxes.class_ids[:, None] == others.class_ids[None, :]
        near = np.abs(boxes.scores[:, None] - others.scores[None, :]) <= self._limits.score
        # The overlap of boxes that the image border clips to a line says nothing.
        apart = np.abs(boxes.boxes_xyxy[:, None] - others.boxes_xyxy[None]).max(2) / self._shrink
        here = (box_iou(boxes.boxes_xyxy, others.boxes_xyxy) >= self._limits.overlap) | (
            apart <= self._limits.box_px[0])
        equal = (same & near & here).any(1)
        # Rounding also decides between two classes with equal scores, but not for many boxes.
        other = (near & here).any(1) & ~equal
        self._other_class += int(other.sum())
        return np.asarray(equal | other)

    def verdict(self) -> Verdict:
        """Return the measured differences, and those that exceed the limits."""
        limits, verdict = self._limits, Verdict(seen=self._seen)
        values = {name: np.concatenate(parts) for name, parts in self._values.items()}
        boxes = values.pop('box_px', np.zeros(0))
        verdict.measured['boxes'] = len(boxes)
        check = verdict.check
        check('median_box_error_px', common(boxes), limits.box_px[0],
              'boxes are off by (median)', ' px')
        check('p99_box_error_px', high(boxes), limits.box_px[1],
              'boxes are off by (99th percentile)', ' px')
        check('p99_missing_overlap', high(values.pop('missing_overlap', np.zeros(0))),
              1 - limits.overlap, 'boxes lack overlap with their partner (99th percentile)')
        scores = values.pop('score', np.zeros(0))
        check('p99_score_error', high(scores), limits.score,
              'scores are off by (99th percentile)')
        for name, limit, text, unit in (
                ('shift_x_px', limits.shift_px, 'all boxes are shifted sideways by', ' px'),
                ('shift_y_px', limits.shift_px, 'all boxes are shifted up or down by', ' px'),
                ('size', limits.size, 'all boxes change in size by', ' of it'),
                ('score_gain', limits.score_gain, 'all scores change by', ' of them'),
                ('angle_rad', limits.angle_rad, 'all boxes are turned by', ' rad'),
                ('keypoint', limits.keypoint, 'keypoints are off by (median)',
                 ' of their box'),
                ('mask', limits.mask, 'masks differ (median) in', ' of their pixels'),
                ('mask_shift_x_px', limits.shift_px, 'all masks are shifted sideways by', ' px'),
                ('mask_shift_y_px', limits.shift_px, 'all masks are shifted up or down by',
                 ' px')):
            if name in values:
                check(name, common(values[name]), limit, text, unit)
        check('other_class', self._other_class / max(self._confident, 1), _MAX_OTHER_CLASS,
              f'of {self._confident} confident boxes, the share with another class is')
        lost = self._lost / max(self._confident, 1)
        check('lost_boxes', lost, limits.lost,
              f'of {self._confident} confident boxes, the share without a partner is')
        check('doubled_boxes', self._doubled / max(self._confident, 1), limits.lost,
              f'of {self._confident} confident boxes, the share that NMS should have dropped is')
        verdict.agreement = (
            f"{len(boxes)} boxes within {verdict.measured['median_box_error_px']:.3g} px (median) "
            f"and {verdict.measured['p99_box_error_px']:.3g} px (99th percentile)")
        return verdict

    def _keep(self, excused: NDArray[np.bool_], values: Mapping[str, NDArray[Any]]) -> None:
        for name, array in values.items():
            self._values.setdefault(name, []).append(array[~excused])


def matched(expected: Detections, actual: Detections) -> Pairs:
    """
    Match detections of the same class one to one, the greatest overlap first.

    :param expected: detections of one side.
    :param actual: those of the other.
    :returns: the rows of both, of equal length.
    """
    rows, partners = [], []
    if len(expected) and len(actual):
        overlap = np.where(expected.class_ids[:, None] == actual.class_ids[None, :],
                           box_iou(expected.boxes_xyxy, actual.boxes_xyxy), 0.0)
        while (best := int(overlap.argmax())) >= 0 and overlap.flat[best] >= _MIN_IOU:
            row, partner = divmod(best, overlap.shape[1])
            rows.append(row)
            partners.append(partner)
            overlap[row], overlap[:, partner] = 0.0, 0.0
    return np.array(rows, np.intp), np.array(partners, np.intp)


def _doubles(boxes: Detections, allowed_iou: float) -> int:
    """Count the boxes that overlap another one of their class by more than allowed."""
    overlap = np.where(boxes.class_ids[:, None] == boxes.class_ids[None, :],
                       box_iou(boxes.boxes_xyxy, boxes.boxes_xyxy), 0.0)
    return int((np.triu(overlap, 1) > allowed_iou).any(0).sum())


def _differences(expected: Detections, actual: Detections, shrink: float
                 ) -> dict[str, NDArray[Any]]:
    """Return the differences of pairs; pixels are those of the source, divided by `shrink`."""
    want, have = xyxy_to_xywh(expected.boxes_xyxy), xyxy_to_xywh(actual.boxes_xyxy)
    apart_px = actual.boxes_xyxy - expected.boxes_xyxy
    centres = (have - want)[:, :2] / shrink
    overlap = np.array([float(box_iou(first[None], second[None])[0, 0]) for first, second in zip(
        expected.boxes_xyxy, actual.boxes_xyxy)])
    sizes = np.log(np.maximum(have[:, 2:], 1e-6) / np.maximum(want[:, 2:], 1e-6))
    return {'box_px': np.abs(apart_px).max(1) / shrink, 'missing_overlap': 1 - overlap,
            'shift_x_px': centres[:, 0], 'shift_y_px': centres[:, 1], 'size': sizes.mean(1),
            'score': actual.scores - expected.scores,
            'score_gain': actual.scores / np.maximum(expected.scores, 1e-6) - 1}


def angle_fields(expected: Detections, actual: Detections, pairs: Pairs
                 ) -> Mapping[str, NDArray[Any]]:
    """Return the rotations of pairs; half a turn leaves a box as it was."""
    if expected.angles_rad is None or actual.angles_rad is None:
        return {}
    apart = actual.angles_rad[pairs[1]] - expected.angles_rad[pairs[0]]
    return {'angle_rad': (apart + np.pi / 2) % np.pi - np.pi / 2}


def keypoint_fields(expected: Detections, actual: Detections, pairs: Pairs
                    ) -> Mapping[str, NDArray[Any]]:
    """Return the errors of the keypoints of pairs, relative to the size of their box."""
    if expected.keypoints is None or actual.keypoints is None:
        return {}
    boxes = expected.boxes_xyxy[pairs[0]]
    size = np.sqrt(np.maximum((boxes[:, 2:] - boxes[:, :2]).prod(1), 1.0))
    apart = actual.keypoints[pairs[1], :, :2] - expected.keypoints[pairs[0], :, :2]
    return {'keypoint': np.median(np.abs(apart).max(2) / size[:, None], 1)}
