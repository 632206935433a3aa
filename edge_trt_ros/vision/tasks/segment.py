# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task segment: detections with masks.

A mask is the product of coefficients and prototypes, computed only for kept detections.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.drawing import class_palette_bgr, draw_detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.selection import select
from edge_trt_ros.vision.tasks.detect import CANDIDATES, describe_objects
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class Instances:
    """
    The objects of one image and their pixels.

    :param detections: the objects, best first.
    :param instance_map: uint16 (H, W), source pixels: 0 is background, i + 1 is detection i.
        If masks overlap, the better detection is on top.
    """

    detections: Detections
    instance_map: NDArray[np.uint16]


def segment(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
            suppress: bool = True) -> Instances:
    """Decode a fused head: candidates, `coefficients` [1, K, c], `prototypes` [1, c, h, w]."""
    named = named_outputs(outputs, scores=2, boxes_xyxy=3, class_ids=2, coefficients=3,
                          prototypes=4, checksum=1)
    chosen = named['scores'][0] >= thresholds.confidence
    return instances(named['boxes_xyxy'][0][chosen], named['scores'][0][chosen],
                     named['class_ids'][0][chosen], named['coefficients'][0][chosen],
                     named['prototypes'][0], letterbox, thresholds, suppress)


def instances(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
              coefficients: NDArray[Any], prototypes: NDArray[Any], letterbox: Letterbox,
              thresholds: Thresholds, suppress: bool = True) -> Instances:
    """
    Select detections from candidates, and compute their masks.

    :param boxes: float (n, 4), corners in network pixels.
    :param scores: float (n,), all at least the confidence of `thresholds`.
    :param class_ids: (n,), whole numbers of any dtype.
    :param coefficients: float (n, c), coefficients of the candidates.
    :param prototypes: float (c, h, w); a mask is the sum of prototypes times coefficients.
    :param letterbox: maps network pixels back to the source image.
    :param thresholds: what to keep.
    :param suppress: whether overlapping boxes of a class are dropped.
    """
    found, rows = select(boxes, scores, class_ids, letterbox, thresholds, suppress)
    return with_masks(found, coefficients[rows], prototypes, letterbox)


def with_masks(found: Detections, coefficients: NDArray[Any], prototypes: NDArray[Any],
               letterbox: Letterbox) -> Instances:
    """
    Compute the masks of detections.

    :param found: the detections.
    :param coefficients: float (n, c), a row for each detection.
    :param prototypes: float (c, h, w); a mask is the sum of prototypes times coefficients.
    :param letterbox: maps network pixels back to the source image.
    """
    width, height = letterbox.source_size_wh
    instance_map = np.zeros((height, width), np.uint16)
    for index in range(len(found) - 1, -1, -1):
        left, top, right, bottom = (ceil(edge - 0.5) for edge in found.boxes_xyxy[index].tolist())
        if right > left and bottom > top:
            logits = _logits_in_box(coefficients[index], prototypes, letterbox,
                                    (left, top, right, bottom))
            # OpenCV copies through a mask several times faster than NumPy.
            here = instance_map[top:bottom, left:right]
            cv2.copyTo(np.full(here.shape, index + 1, np.uint16),
                       (logits > 0).view(np.uint8), here)
    return Instances(found, instance_map)


def _logits_in_box(coefficients: NDArray[Any], prototypes: NDArray[Any], letterbox: Letterbox,
                   box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Return the mask's logits at the centres of a box's source pixels, bilinear."""
    parts, steps, shifts = [], [], []
    for low, high, scale, pad, network, length in (
            (box[1], box[3], letterbox.scale_y, letterbox.pad_top,
             letterbox.network_size_wh[1], prototypes.shape[1]),
            (box[0], box[2], letterbox.scale_x, letterbox.pad_left,
             letterbox.network_size_wh[0], prototypes.shape[2])):
        ratio = length / network
        first, last = (((pixel + 0.5) * scale + pad) * ratio - 0.5 for pixel in (low, high - 1))
        begin = min(max(floor(first), 0), length - 1)
        parts.append(slice(begin, min(max(floor(last) + 2, begin + 1), length)))
        steps.append(scale * ratio)
        shifts.append(first - begin)
    part = prototypes[:, parts[0], parts[1]]
    small = (coefficients @ part.reshape(len(part), -1)).reshape(part.shape[1:])
    return _enlarged(small.astype(np.float32), steps, shifts,
                     (box[2] - box[0], box[3] - box[1]))


def _enlarged(small: NDArray[np.float32], steps_yx: list[float], shifts_yx: list[float],
              size_wh: tuple[int, int]) -> NDArray[np.float32]:
    """Return a small map sampled at shift + step * i, interpolated bilinearly."""
    zooms = [1 / step for step in steps_yx]
    starts = [(shift + 0.5) * zoom - 0.5 for shift, zoom in zip(shifts_yx, zooms)]
    whole = [round(value) for value in (*zooms, *starts)]
    # cv2.resize is three times faster than warpAffine. It works if pixels and cells are aligned,
    # as for common sizes of cameras and networks.
    if all(abs(value - near) < 1e-6 for value, near in zip((*zooms, *starts), whole)):
        zoom_y, zoom_x, top, left = whole
        grown = cv2.resize(small, (small.shape[1] * zoom_x, small.shape[0] * zoom_y),
                           interpolation=cv2.INTER_LINEAR)
        return np.asarray(grown[top:top + size_wh[1], left:left + size_wh[0]], np.float32)
    matrix = np.array([[steps_yx[1], 0, shifts_yx[1]], [0, steps_yx[0], shifts_yx[0]]])
    grown = cv2.warpAffine(small, matrix, size_wh, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                           borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(grown, np.float32)


def draw(image_bgr: NDArray[np.uint8], result: Instances, labels: Labels) -> None:
    """Blend masks into an image, and draw the boxes."""
    colors = class_palette_bgr(len(result.detections) + 1)[result.instance_map]
    shown = result.instance_map > 0
    image_bgr[shown] = image_bgr[shown] // 2 + colors[shown] // 2
    draw_detections(image_bgr, result.detections, labels)


def describe(result: Instances, labels: Labels) -> dict[str, Any]:
    """Return each object as plain values for JSON, with the number of pixels of its mask."""
    areas_px = np.bincount(result.instance_map.ravel(), minlength=len(result.detections) + 1)
    return {'detections': [{**described, 'mask_px': int(area)} for described, area in zip(
        describe_objects(result.detections, labels), areas_px[1:])]}


def boxes_of(result: Instances) -> Detections:
    """Return the boxes of a result."""
    return result.detections


_OUTPUTS = {**CANDIDATES, 'coefficients': (1, 'K', 'c'), 'prototypes': (1, 'c', 'h', 'w')}
TASK = Task('segment', (
    OutputFormat('segment', _OUTPUTS, segment),
    OutputFormat('segment_final', _OUTPUTS, partial(segment, suppress=False))),
    draw, describe, boxes_of)
