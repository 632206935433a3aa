# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Boxes: formats, clipping, overlap (IoU) and non-maximum suppression."""

from __future__ import annotations

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
# NMS starts with this many times `max_detections` candidates, and multiplies until it suffices.
_GROWTH = 3


def xywh_to_xyxy(boxes_xywh: FloatArray) -> FloatArray:
    """
    Convert centre and size to corners.

    :param boxes_xywh: float (n, 4): centre x, centre y, width, height; not modified.
    :returns: float (n, 4): left, top, right, bottom.
    """
    centres, halves = boxes_xywh[..., :2], boxes_xywh[..., 2:] / 2
    return np.concatenate([centres - halves, centres + halves], -1)


def xyxy_to_xywh(boxes_xyxy: FloatArray) -> FloatArray:
    """
    Convert corners to centre and size.

    :param boxes_xyxy: float (n, 4): left, top, right, bottom; not modified.
    :returns: float (n, 4): centre x, centre y, width, height.
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], -1)


def clip_boxes(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """
    Return boxes clipped to an image.

    :param boxes_xyxy: float (n, 4), pixels; not modified.
    :param size_wh: width and height of the image in pixels.
    """
    width, height = size_wh
    return np.clip(boxes_xyxy, 0, np.array([width, height, width, height], boxes_xyxy.dtype))


def box_iou(first_xyxy: FloatArray, second_xyxy: FloatArray) -> FloatArray:
    """
    Return the overlap (IoU) of every pair of boxes from two sets.

    :param first_xyxy: float (m, 4).
    :param second_xyxy: float (n, 4), in the same pixels.
    :returns: float (m, n), intersection over union; 0 where a box has no area.
    """
    # Each column is contiguous: NumPy is slow along a last axis of length two.
    first, second = np.ascontiguousarray(first_xyxy.T), np.ascontiguousarray(second_xyxy.T)
    left_1, top_1, right_1, bottom_1 = first[:, :, None]
    left_2, top_2, right_2, bottom_2 = second[:, None, :]
    overlap: FloatArray = np.minimum(right_1, right_2) - np.maximum(left_1, left_2)
    np.maximum(overlap, 0, out=overlap)
    height = np.minimum(bottom_1, bottom_2) - np.maximum(top_1, top_2)
    np.maximum(height, 0, out=height)
    overlap *= height
    union = np.add(_areas(first)[:, None], _areas(second)[None, :], out=height)
    union -= overlap
    # If the union is 0, the overlap is 0 too, and 0 / tiny is 0.
    np.maximum(union, np.finfo(union.dtype).tiny, out=union)
    overlap /= union
    return overlap


def nms(boxes_xyxy: FloatArray, scores: FloatArray, class_ids: NDArray[np.int64],
        iou_threshold: float, max_detections: int) -> NDArray[np.intp]:
    """
    Drop each box that overlaps a better box of its class (greedy non-maximum suppression).

    OpenCV computes it, several times faster than NumPy. The best candidates are tried first: a
    box that is kept among them is kept among all.

    :param boxes_xyxy: float (n, 4), pixels; each has an area.
    :param scores: float (n,); equal scores keep their order.
    :param class_ids: int (n,); a box suppresses only boxes of its own class.
    :param iou_threshold: overlap above which the weaker box is dropped.
    :param max_detections: maximum number of boxes to keep; 0 keeps none.
    :returns: indices of the kept boxes, best first.
    """
    if max_detections < 1 or not len(scores):
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind='stable')
    boxes_xywh = boxes_xyxy[order].astype(np.float64)
    # Shift the classes apart, so that boxes of different classes never overlap.
    span = boxes_xywh.max() - boxes_xywh.min() + 1
    boxes_xywh[:, 2:] -= boxes_xywh[:, :2]
    boxes_xywh[:, 0] += class_ids[order] * span
    ranks = np.arange(len(order), 0, -1, dtype=np.float32)
    tried = _GROWTH * max_detections
    while True:
        found: Any = cv2.dnn.NMSBoxes(  # its type stubs accept only lists
            cast(Any, boxes_xywh[:tried]), cast(Any, ranks[:tried]), 0.0, iou_threshold)
        kept = np.asarray(found, np.intp).ravel()
        if len(kept) >= max_detections or tried >= len(order):
            return np.asarray(order[kept[:max_detections]], np.intp)
        tried *= _GROWTH


def _areas(columns: FloatArray) -> FloatArray:
    left, top, right, bottom = columns
    areas: FloatArray = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    return areas
