# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recall and precision of detections at one confidence and an IoU of 0.5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections

MIN_IOU = 0.5


class Score:
    """Hits, misses and false alarms, summed over frames."""

    def __init__(self) -> None:
        self.frames = self.detections = self.hits = self.misses = self.false_alarms = 0

    def add(self, truth: LabelledBoxes, detections: Detections) -> None:
        """
        Score one frame; detections are matched in the order of their scores, highest first.

        :param truth: the labelled objects.
        :param detections: what the detector found, in the same pixels.
        """
        required = ~truth.ignored
        overlap = box_iou(detections.boxes_xyxy, truth.boxes_xyxy)
        same_class = detections.class_ids[:, None] == truth.class_ids[None, :]
        excused = _share_within(detections.boxes_xyxy, truth.boxes_xyxy[truth.ignored]) >= MIN_IOU
        unmatched = np.ones(len(truth.boxes_xyxy), bool)
        hits = false_alarms = 0
        for index in np.argsort(-detections.scores, kind='stable'):
            fitting = (overlap[index] >= MIN_IOU) & same_class[index] & unmatched
            wanted = fitting & required
            if wanted.any():
                unmatched[np.argmax(np.where(wanted, overlap[index], -1))] = False
                hits += 1
            elif not (fitting.any() or excused[index]):
                false_alarms += 1
        self.frames += 1
        self.detections += len(detections)
        self.hits += hits
        self.misses += int(required.sum()) - hits
        self.false_alarms += false_alarms

    @property
    def recall(self) -> float:
        """Share of the objects that were detected, without ignored objects; 0 without objects."""
        return self.hits / max(self.hits + self.misses, 1)

    @property
    def precision(self) -> float:
        """Share of the correct detections, without those of ignored objects; 0 without any."""
        return self.hits / max(self.hits + self.false_alarms, 1)


def _share_within(boxes_xyxy: NDArray[np.float32], regions_xyxy: NDArray[np.floating]
                  ) -> NDArray[np.float32]:
    """Return the largest share of each box that one region covers, as COCO does for crowds."""
    low = np.maximum(boxes_xyxy[:, None, :2], regions_xyxy[None, :, :2])
    high = np.minimum(boxes_xyxy[:, None, 2:], regions_xyxy[None, :, 2:])
    covered = np.maximum(high - low, 0).prod(axis=2)
    areas = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    shares = covered.max(axis=1, initial=0.0) / np.maximum(areas, np.float32(1e-6))
    return np.asarray(shares, np.float32)
