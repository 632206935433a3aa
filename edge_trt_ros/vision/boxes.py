"""Boxes: formats, clipping, overlap, and the suppression of those that say the same."""

from __future__ import annotations

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
    low = np.maximum(first_xyxy[:, None, :2], second_xyxy[None, :, :2])
    high = np.minimum(first_xyxy[:, None, 2:], second_xyxy[None, :, 2:])
    intersection: FloatArray = np.clip(high - low, 0, None).prod(-1)
    union = _areas(first_xyxy)[:, None] + _areas(second_xyxy)[None, :] - intersection
    overlap: FloatArray = np.divide(
        intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return overlap


def nms(boxes_xyxy: FloatArray, scores: FloatArray, class_ids: NDArray[np.int64],
        iou_threshold: float, max_detections: int) -> NDArray[np.intp]:
    """
    Drop each box that overlaps a better one of its class (greedy non-maximum suppression).

    Candidates are taken in blocks, best first: a block is first held against the boxes kept so
    far, then against itself, so the work grows with candidates times kept boxes.

    :param boxes_xyxy: float (n, 4), pixels.
    :param scores: float (n,); of equal ones the first goes first.
    :param class_ids: int (n,); boxes of different classes leave each other alone.
    :param iou_threshold: overlap above which the weaker box is dropped.
    :param max_detections: how many to keep at most.
    :returns: indices of the kept boxes, best first.
    """
    order = np.argsort(-scores, kind='stable')
    kept: list[int] = []
    for start in range(0, len(order), _BLOCK):
        block = order[start:start + _BLOCK]
        if kept:
            block = block[~_beaten(boxes_xyxy, class_ids, block, kept, iou_threshold)]
        overlap = box_iou(boxes_xyxy[block], boxes_xyxy[block]) > iou_threshold
        overlap &= class_ids[block][:, None] == class_ids[block][None, :]
        alive = np.ones(len(block), np.bool_)
        for place, index in enumerate(block.tolist()):
            if alive[place]:
                kept.append(index)
                if len(kept) == max_detections:
                    return np.array(kept, np.intp)
                alive &= ~overlap[place]
    return np.array(kept, np.intp)


def _beaten(boxes_xyxy: FloatArray, class_ids: NDArray[np.int64], block: NDArray[np.intp],
            kept: list[int], iou_threshold: float) -> NDArray[np.bool_]:
    overlap = box_iou(boxes_xyxy[block], boxes_xyxy[kept]) > iou_threshold
    result: NDArray[np.bool_] = (
        overlap & (class_ids[block][:, None] == class_ids[kept][None, :])).any(1)
    return result


def _areas(boxes_xyxy: FloatArray) -> FloatArray:
    areas: FloatArray = np.clip(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0, None).prod(-1)
    return areas
