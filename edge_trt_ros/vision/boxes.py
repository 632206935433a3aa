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
# Up to so many boxes, or with more neighbours per box than this, OpenCV compares all boxes faster
# than NumPy compares neighbours: 0.02 against 0.03 ms for 90 boxes, 1.1 against 0.15 ms for 900.
_FEW_BOXES, _MANY_NEIGHBOURS = 150, 20


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

    The best candidates are tried first: a box that is kept among them is kept among all.

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
    tried = _GROWTH * max_detections
    while True:
        kept = _kept_boxes(boxes_xywh[:tried], iou_threshold)
        if len(kept) >= max_detections or tried >= len(order):
            return np.asarray(order[kept[:max_detections]], np.intp)
        tried *= _GROWTH


def _kept_boxes(boxes_xywh: NDArray[np.float64], iou_threshold: float) -> NDArray[np.intp]:
    """Return the indices of the boxes that no better kept box overlaps; the best box is first."""
    if len(boxes_xywh) > _FEW_BOXES:
        pairs = _overlapping_pairs(boxes_xywh, iou_threshold)
        if pairs is not None:
            kept = [True] * len(boxes_xywh)
            for better, worse in zip(*pairs):
                if kept[better]:
                    kept[worse] = False
            return np.flatnonzero(kept)
    ranks = np.arange(len(boxes_xywh), 0, -1, dtype=np.float32)
    found: Any = cv2.dnn.NMSBoxes(  # its type stubs accept only lists
        cast(Any, boxes_xywh), cast(Any, ranks), 0.0, iou_threshold)
    return np.asarray(found, np.intp).ravel()


def _overlapping_pairs(boxes_xywh: NDArray[np.float64], iou_threshold: float
                       ) -> tuple[list[int], list[int]] | None:
    """
    Return the pairs of boxes that overlap by more than a threshold, sorted by the better box.

    :param boxes_xywh: float64 (n, 4): left, top, width, height; the best box is first.
    :param iou_threshold: overlap (IoU).
    :returns: indices of the better and of the worse boxes; None if too many boxes are neighbours.
    """
    left, top, width, height = np.ascontiguousarray(boxes_xywh.T)
    by_left = left.argsort()
    # The neighbours of a box start between its left and its right edge.
    after = np.arange(1, len(left) + 1)
    counts = left[by_left].searchsorted((left + width)[by_left]) - after
    ends = counts.cumsum()
    if ends[-1] > _MANY_NEIGHBOURS * len(left):
        return None
    first = by_left.repeat(counts)
    second = by_left[np.arange(ends[-1]) + (after - (ends - counts)).repeat(counts)]
    # Rounded to float32 like in OpenCV: the number of boxes must not change the result.
    top_1, top_2 = top[first], top[second]
    bottom = np.minimum(top_1 + height[first], top_2 + height[second])
    overlap = np.minimum(width[first] - (left[second] - left[first]), width[second])
    overlap *= np.maximum(bottom - np.maximum(top_1, top_2), 0)
    area = width * height
    distance = 1 - overlap / (area[first] + area[second] - overlap)
    hit = np.float32(1) - distance.astype(np.float32) > np.float32(iou_threshold)
    better, worse = np.sort([first[hit], second[hit]], 0)
    order = better.argsort()
    return better[order].tolist(), worse[order].tolist()


def _areas(columns: FloatArray) -> FloatArray:
    left, top, right, bottom = columns
    areas: FloatArray = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    return areas
