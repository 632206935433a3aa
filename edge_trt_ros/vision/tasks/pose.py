# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task pose: detections with keypoints, such as joints of a person or corners of a pallet."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.selection import select
from edge_trt_ros.vision.tasks.detect import CANDIDATES, describe, draw_boxes, itself
from edge_trt_ros.vision.tasks.task import OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds


def keypoints(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
              suppress: bool = True) -> Detections:
    """Decode the outputs of a fused head: candidates, `keypoints` [1, K, keypoints, 2 or 3]."""
    named = named_outputs(outputs, scores=2, boxes_xyxy=3, class_ids=2, keypoints=4, checksum=1)
    chosen = named['scores'][0] >= thresholds.confidence
    return with_keypoints(named['boxes_xyxy'][0][chosen], named['scores'][0][chosen],
                          named['class_ids'][0][chosen], named['keypoints'][0][chosen],
                          letterbox, thresholds, suppress)


def with_keypoints(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
                   points: NDArray[Any], letterbox: Letterbox, thresholds: Thresholds,
                   suppress: bool = True) -> Detections:
    """
    Select detections from candidates, and map their keypoints to source pixels.

    :param boxes: float (n, 4), corners in network pixels.
    :param scores: float (n,), all at least the confidence of `thresholds`.
    :param class_ids: (n,), whole numbers of any dtype.
    :param points: float (n, k, 2 or 3): x, y in network pixels, optionally a score.
    :param letterbox: maps network pixels back to the source image.
    :param thresholds: what to keep.
    :param suppress: whether overlapping boxes of a class are dropped.
    """
    found, rows = select(boxes, scores, class_ids, letterbox, thresholds, suppress)
    return add_keypoints(found, points[rows].astype(np.float32), letterbox)


def add_keypoints(found: Detections, kept: NDArray[np.float32], letterbox: Letterbox
                  ) -> Detections:
    """
    Add keypoints to detections, in source pixels.

    :param found: the detections.
    :param kept: float32 (n, k, 2 or 3), a row for each detection: x, y in network pixels,
        optionally a score.
    :param letterbox: maps network pixels back to the source image.
    """
    if kept.shape[2] == 2:
        # A keypoint without a score gets the score of its object.
        shared = np.broadcast_to(found.scores[:, None, None], (*kept.shape[:2], 1))
        kept = np.concatenate([kept, shared], 2)
    return replace(found, keypoints=letterbox.keypoints_to_source(kept))


_OUTPUTS = {**CANDIDATES, 'keypoints': (1, 'K', 'points', 'numbers')}
TASK = Task('pose', (
    OutputFormat('keypoints', _OUTPUTS, keypoints),
    OutputFormat('keypoints_final', _OUTPUTS, partial(keypoints, suppress=False))),
    draw_boxes, describe, itself)
