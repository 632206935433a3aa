# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task obb: oriented boxes with centre, size and angle."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.boxes import clip_boxes
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.oriented import Floats, oriented_corners, oriented_iou
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.tasks.detect import CANDIDATES, describe, draw_boxes, itself
from edge_trt_ros.vision.tasks.task import OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds

# Candidates are compared in blocks of this size: the full matrix grows with their square.
_BLOCK = 256


def oriented(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
             suppress: bool = True) -> Detections:
    """Decode the outputs of a fused head: boxes before rotation, and `angles` [1, K, 1]."""
    named = named_outputs(outputs, scores=2, boxes_xyxy=3, class_ids=2, angles=3, checksum=1)
    chosen = named['scores'][0] >= thresholds.confidence
    return select_oriented(named['boxes_xyxy'][0][chosen], named['angles'][0, :, 0][chosen],
                           named['scores'][0][chosen], named['class_ids'][0][chosen], letterbox,
                           thresholds, suppress)


def select_oriented(boxes: NDArray[Any], angles: NDArray[Any], scores: NDArray[Any],
                    class_ids: NDArray[Any], letterbox: Letterbox, thresholds: Thresholds,
                    suppress: bool = True) -> Detections:
    """
    Select detections from oriented candidates, best first.

    :param boxes: float (n, 4), corners in network pixels before rotation.
    :param angles: float (n,), radians.
    :param scores: float (n,), all at least the confidence of `thresholds`.
    :param class_ids: (n,), whole numbers of any dtype.
    :param letterbox: maps network pixels back to the source image.
    :param thresholds: what to keep.
    :param suppress: whether overlapping boxes of a class are dropped.
    """
    class_ids = class_ids.astype(np.int64)
    wanted = thresholds.accepted(scores, class_ids)
    source = letterbox.boxes_to_source(boxes)
    corners = oriented_corners(source, angles)
    hulls = clip_boxes(np.concatenate([corners.min(1), corners.max(1)], 1)
                       if len(corners) else source, letterbox.source_size_wh)
    # A box in the padding must not suppress a box in the image.
    wanted &= (hulls[:, 2] > hulls[:, 0]) & (hulls[:, 3] > hulls[:, 1])
    found = Detections(source[wanted].astype(np.float32), scores[wanted].astype(np.float32),
                       class_ids[wanted], angles_rad=angles[wanted].astype(np.float32))
    if not suppress:
        return found[np.argsort(-found.scores, kind='stable')[:thresholds.max_detections].tolist()]
    rotated = np.concatenate([boxes[wanted], angles[wanted][:, None]], 1).astype(np.float32)
    return found[_kept(rotated, found, thresholds)]


def _kept(rotated: Floats, found: Detections, thresholds: Thresholds) -> list[int]:
    """Return the indices of the boxes (n, 5) to keep, best first, at most `max_detections`."""
    order = np.argsort(-found.scores, kind='stable')
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start:start + _BLOCK]
        block = block[~_rivals(rotated, found, block, np.array(kept, np.intp), thresholds).any(1)]
        rivals = _rivals(rotated, found, block, block, thresholds)
        alive = np.ones(len(block), np.bool_)
        for place, index in enumerate(block.tolist()):
            if len(kept) == thresholds.max_detections:
                return kept
            if alive[place]:
                kept.append(index)
                alive[rivals[place]] = False
    return kept


def _rivals(rotated: Floats, found: Detections, rows: NDArray[np.intp],
            columns: NDArray[np.intp], thresholds: Thresholds) -> NDArray[np.bool_]:
    """Return which pairs of boxes have the same class and overlap too much."""
    rivals: NDArray[np.bool_] = oriented_iou(
        rotated[rows], rotated[columns]) > thresholds.nms_iou
    rivals &= found.class_ids[rows][:, None] == found.class_ids[columns][None, :]
    return rivals


_OUTPUTS = {**CANDIDATES, 'angles': (1, 'K', 1)}
TASK = Task('obb', (
    OutputFormat('oriented', _OUTPUTS, oriented),
    OutputFormat('oriented_final', _OUTPUTS, partial(oriented, suppress=False))),
            draw_boxes, describe, itself)
