# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Selects detections in source pixels from candidates in network pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.boxes import clip_boxes, nms
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds


def select(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
           letterbox: Letterbox, thresholds: Thresholds, suppress: bool
           ) -> tuple[Detections, NDArray[np.intp]]:
    """
    Select detections from candidates, best first.

    :param boxes: float (n, 4), corners in network pixels.
    :param scores: float (n,), all at least the confidence of `thresholds`.
    :param class_ids: (n,), whole numbers of any dtype.
    :param letterbox: maps network pixels back to the source image.
    :param thresholds: what to keep.
    :param suppress: whether overlapping boxes of a class are dropped.
    :returns: the detections, and the indices of their candidates.
    """
    rows = np.arange(len(boxes))
    clipped = clip_boxes(letterbox.boxes_to_source(boxes), letterbox.source_size_wh)
    # A box in the padding must not suppress a box in the image.
    wanted = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    wanted &= thresholds.accepted(scores, class_ids)
    if not wanted.all():
        rows = rows[wanted]
    if suppress:
        kept = rows[nms(boxes[rows], scores[rows], class_ids[rows].astype(np.int64),
                        thresholds.nms_iou, thresholds.max_detections)]
    else:
        kept = rows[np.argsort(-scores[rows], kind='stable')[:thresholds.max_detections]]
    return Detections(clipped[kept], scores[kept].astype(np.float32),
                      class_ids[kept].astype(np.int64)), kept
