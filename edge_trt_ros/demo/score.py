"""How well detections match the truth: recall and precision at an overlap of 0.5."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.truth import Truth
from edge_trt_ros.vision.boxes import box_iou
from edge_trt_ros.vision.detections import Detections

MIN_IOU = 0.5


class Score:
    """Hits, misses and false alarms over many frames."""

    def __init__(self) -> None:
        self.frames = self.detections = self.hits = self.misses = self.false_alarms = 0

    def add(self, truth: Truth, found: Detections) -> None:
        """
        Score one frame; the best detection takes its object first.

        :param truth: what is there.
        :param found: what was found, in the same pixels.
        """
        asked_for = truth.asked_for()
        overlap = box_iou(found.boxes_xyxy, truth.boxes_xyxy)
        same_class = found.class_ids[:, None] == truth.class_ids[None, :]
        excused = _share_within(found.boxes_xyxy, truth.boxes_xyxy[~asked_for]) >= MIN_IOU
        free = np.ones(len(truth.boxes_xyxy), bool)
        hits = false_alarms = 0
        for index in np.argsort(-found.scores, kind='stable'):
            fitting = (overlap[index] >= MIN_IOU) & same_class[index] & free
            wanted = fitting & asked_for
            if wanted.any():
                free[np.argmax(np.where(wanted, overlap[index], -1))] = False
                hits += 1
            elif not (fitting.any() or excused[index]):
                false_alarms += 1
        self.frames += 1
        self.detections += len(found)
        self.hits += hits
        self.misses += int(asked_for.sum()) - hits
        self.false_alarms += false_alarms

    @property
    def recall(self) -> float:
        """Found objects among those asked for; 0 before the first."""
        return self.hits / max(self.hits + self.misses, 1)

    @property
    def precision(self) -> float:
        """True ones among the detections that count; 0 before the first."""
        return self.hits / max(self.hits + self.false_alarms, 1)


def _share_within(boxes_xyxy: NDArray[np.float32], regions_xyxy: NDArray[np.float32]
                  ) -> NDArray[np.float32]:
    """Return the largest share of each box that one region covers, as COCO does for crowds."""
    low = np.maximum(boxes_xyxy[:, None, :2], regions_xyxy[None, :, :2])
    high = np.minimum(boxes_xyxy[:, None, 2:], regions_xyxy[None, :, 2:])
    covered = np.maximum(high - low, 0).prod(axis=2)
    areas = (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]).prod(axis=1)
    shares = covered.max(axis=1, initial=0.0) / np.maximum(areas, np.float32(1e-6))
    return np.asarray(shares, np.float32)
