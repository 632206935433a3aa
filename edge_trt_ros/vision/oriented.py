"""Oriented boxes: a centre, a size and an angle, as they are seen from above."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.boxes import clip_boxes, xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, only_output
from edge_trt_ros.vision.postprocess import Outputs, Thresholds

Floats = NDArray[np.float32]
_TINY = 1e-7
# Candidates are taken in blocks of this many, so that no matrix grows with their square.
_BLOCK = 256


def oriented(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode a fused head (see `convert.fuse_tasks`)."""
    named = named_outputs(outputs, scores=2, boxes_xyxy=3, class_ids=2, angles=3, checksum=1)
    chosen = named['scores'][0] >= thresholds.confidence
    return _select(named['boxes_xyxy'][0][chosen], named['angles'][0, :, 0][chosen],
                   named['scores'][0][chosen], named['class_ids'][0][chosen], letterbox,
                   thresholds)


def yolo_oriented(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode [1, 4 + classes + 1, anchors]: centre, size, classes, angle (Ultralytics OBB)."""
    raw = only_output(outputs, 3)[0]
    scores = raw[4:-1].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return _select(xywh_to_xyxy(raw[:4, chosen].T), raw[-1, chosen], scores[chosen],
                   raw[4:-1, chosen].argmax(0), letterbox, thresholds)


def oriented_corners(boxes_xyxy: Floats, angles_rad: Floats) -> Floats:
    """
    Return the four corners of oriented boxes.

    :param boxes_xyxy: float32 (n, 4), the boxes before they are turned about their centres.
    :param angles_rad: float32 (n,), from the x axis towards the y axis: clockwise in an image.
    :returns: float32 (n, 4, 2), in the same pixels.
    """
    centres = (boxes_xyxy[:, None, :2] + boxes_xyxy[:, None, 2:]) / 2
    along, across = ((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2).T[:, :, None]
    cos, sin = np.cos(angles_rad)[:, None], np.sin(angles_rad)[:, None]
    along_xy = np.concatenate([along * cos, along * sin], 1)[:, None]
    across_xy = np.concatenate([-across * sin, across * cos], 1)[:, None]
    return np.concatenate([centres + along_xy * one + across_xy * other
                           for one, other in ((-1, -1), (1, -1), (1, 1), (-1, 1))], 1)


def oriented_iou(first: Floats, second: Floats) -> Floats:
    """
    Return how far oriented boxes overlap: 1 for equal ones, towards 0 for distant ones.

    Each box is taken for a normal distribution, and 1 less the Hellinger distance of two is what
    Ultralytics suppresses by: arXiv 2106.06072, equations 2 to 5.

    :param first: float32 (m, 5): corners before the turn, angle in radians.
    :param second: float32 (n, 5), in the same pixels.
    :returns: float32 (m, n).
    """
    x_1, y_1, a_1, b_1, c_1 = (one[:, None] for one in _gaussians(first))
    x_2, y_2, a_2, b_2, c_2 = (one[None, :] for one in _gaussians(second))
    a, b, c = a_1 + a_2, b_1 + b_2, c_1 + c_2
    dx, dy = x_1 - x_2, y_1 - y_2
    det = a * b - c * c
    apart = (a * dy * dy + b * dx * dx - 2 * c * dx * dy) / (4 * (det + _TINY))
    dets = np.maximum(a_1 * b_1 - c_1 * c_1, 0) * np.maximum(a_2 * b_2 - c_2 * c_2, 0)
    unlike = np.log(det / (4 * np.sqrt(dets) + _TINY) + _TINY) / 2
    distance = np.clip(apart + unlike, _TINY, 100)
    return np.asarray(1 - np.sqrt(1 - np.exp(-distance) + _TINY), np.float32)


def _gaussians(boxes: Floats) -> tuple[NDArray[np.float64], ...]:
    """Return centre x, y and the covariance xx, yy, xy of evenly filled boxes."""
    left, top, right, bottom, angle = boxes.astype(np.float64).T
    along, across = (right - left) ** 2 / 12, (bottom - top) ** 2 / 12
    cos, sin = np.cos(angle), np.sin(angle)
    return ((left + right) / 2, (top + bottom) / 2, along * cos * cos + across * sin * sin,
            along * sin * sin + across * cos * cos, (along - across) * cos * sin)


def _select(boxes: NDArray[Any], angles: NDArray[Any], scores: NDArray[Any],
            class_ids: NDArray[Any], letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    class_ids = class_ids.astype(np.int64)
    wanted = np.isin(class_ids, tuple(thresholds.class_ids)) if thresholds.class_ids is not None \
        else np.ones(len(boxes), np.bool_)
    source = letterbox.boxes_to_source(boxes)
    corners = oriented_corners(source, angles)
    hulls = clip_boxes(np.concatenate([corners.min(1), corners.max(1)], 1)
                       if len(corners) else source, letterbox.source_size_wh)
    # What lies in the padding alone must not take the place of one that is to be seen.
    wanted &= (hulls[:, 2] > hulls[:, 0]) & (hulls[:, 3] > hulls[:, 1])
    found = Detections(source[wanted].astype(np.float32), scores[wanted].astype(np.float32),
                       class_ids[wanted], angles_rad=angles[wanted].astype(np.float32))
    turned = np.concatenate([boxes[wanted], angles[wanted][:, None]], 1).astype(np.float32)
    return found[_suppressed(turned, found, thresholds)]


def _suppressed(turned: Floats, found: Detections, thresholds: Thresholds) -> list[int]:
    """Return which of the boxes (n, 5) are kept, best first, at most as many as are wanted."""
    order = np.argsort(-found.scores, kind='stable')
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start:start + _BLOCK]
        block = block[~_rivals(turned, found, block, np.array(kept, np.intp), thresholds).any(1)]
        rivals = _rivals(turned, found, block, block, thresholds)
        alive = np.ones(len(block), np.bool_)
        for place, index in enumerate(block.tolist()):
            if len(kept) == thresholds.max_detections:
                return kept
            if alive[place]:
                kept.append(index)
                alive[rivals[place]] = False
    return kept


def _rivals(turned: Floats, found: Detections, rows: NDArray[np.intp],
            columns: NDArray[np.intp], thresholds: Thresholds) -> NDArray[np.bool_]:
    rivals: NDArray[np.bool_] = oriented_iou(
        turned[rows], turned[columns]) > thresholds.nms_iou
    rivals &= found.class_ids[rows][:, None] == found.class_ids[columns][None, :]
    return rivals
