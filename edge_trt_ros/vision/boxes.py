"""Boxes: formats, clipping, overlap, and the suppression of those that say the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
# Candidates are taken in blocks of this many, so that no matrix grows with their square.
_BLOCK = 256


def xywh_to_xyxy(boxes_xywh: FloatArray) -> FloatArray:
    """
    Turn centre and size into corners.

    :param boxes_xywh: float (n, 4): centre x, centre y, width, height; not modified.
    :returns: float (n, 4): left, top, right, bottom.
    """
    centres, halves = boxes_xywh[..., :2], boxes_xywh[..., 2:] / 2
    return np.concatenate([centres - halves, centres + halves], -1)


def xyxy_to_xywh(boxes_xyxy: FloatArray) -> FloatArray:
    """
    Turn corners into centre and size.

    :param boxes_xyxy: float (n, 4): left, top, right, bottom; not modified.
    :returns: float (n, 4): centre x, centre y, width, height.
    """
    low, high = boxes_xyxy[..., :2], boxes_xyxy[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], -1)


def clip_boxes(boxes_xyxy: FloatArray, size_wh: tuple[int, int]) -> FloatArray:
    """
    Return boxes cut to an image.

    :param boxes_xyxy: float (n, 4), pixels; not modified.
    :param size_wh: width and height of the image in pixels.
    """
    width, height = size_wh
    return np.clip(boxes_xyxy, 0, np.array([width, height, width, height], boxes_xyxy.dtype))


def box_iou(first_xyxy: FloatArray, second_xyxy: FloatArray) -> FloatArray:
    """
    Return the overlap of each box of one set with each of another.

    :param first_xyxy: float (m, 4).
    :param second_xyxy: float (n, 4), in the same pixels.
    :returns: float (m, n), intersection over union; 0 where a box has no area.
    """
    # Column by column, each contiguous: NumPy is slow over a last axis of two.
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
    # Without area the overlap is 0 as well, and 0 / tiny is 0.
    np.maximum(union, np.finfo(union.dtype).tiny, out=union)
    overlap /= union
    return overlap


def nms(boxes_xyxy: FloatArray, scores: FloatArray, class_ids: NDArray[np.int64],
        iou_threshold: float, max_detections: int,
        overlap: Callable[[FloatArray, FloatArray], FloatArray] = box_iou) -> NDArray[np.intp]:
    """
    Drop each box that overlaps a better one of its class (greedy non-maximum suppression).

    Candidates are taken in blocks, best first: a block is first held against the boxes kept so
    far, then against itself, so the work grows with candidates times kept boxes.

    :param boxes_xyxy: float (n, 4), pixels; or what `overlap` takes.
    :param scores: float (n,); of equal ones the first goes first.
    :param class_ids: int (n,); boxes of different classes leave each other alone.
    :param iou_threshold: overlap above which the weaker box is dropped.
    :param max_detections: how many to keep at most; 0 keeps none.
    :param overlap: gives the overlap of each box of one set with each of another.
    :returns: indices of the kept boxes, best first.
    """
    if max_detections < 1:
        return np.empty(0, np.intp)
    order = np.argsort(-scores, kind='stable')
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start:start + _BLOCK]
        if kept:
            beaten = _rivals(boxes_xyxy, class_ids, block, np.array(kept), iou_threshold,
                             overlap).any(1)
            block = block[~beaten]
        rivals = _rivals(boxes_xyxy, class_ids, block, block, iou_threshold, overlap)
        alive = np.ones(len(block), np.bool_)
        for place, index in enumerate(block.tolist()):
            if alive[place]:
                kept.append(index)
                if len(kept) == max_detections:
                    return np.array(kept, np.intp)
                alive[rivals[place]] = False
    return np.array(kept, np.intp)


def _rivals(boxes_xyxy: FloatArray, class_ids: NDArray[np.int64], rows: NDArray[np.intp],
            columns: NDArray[np.intp], iou_threshold: float,
            overlap: Callable[[FloatArray, FloatArray], FloatArray]) -> NDArray[np.bool_]:
    rivals: NDArray[np.bool_] = overlap(boxes_xyxy[rows], boxes_xyxy[columns]) > iou_threshold
    rivals &= class_ids[rows][:, None] == class_ids[columns][None, :]
    return rivals


def _areas(columns: FloatArray) -> FloatArray:
    left, top, right, bottom = columns
    areas: FloatArray = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    return areas
