# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The boxes of detectors, decoded in plain loops as a reference for the heads."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from support.detector_networks import ANCHORS, STRIDES

from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

# Heads whose boxes still need NMS.
SUPPRESSED_LATER = ('yolo', 'plugin')
Floats = NDArray[Any]
# Corners [n, 4], scores [n] and classes [n].
Boxes = tuple[Floats, Floats, Floats]


def sigmoid(values: Any) -> Any:
    return 1 / (1 + np.exp(-values))


def of_rows(boxes: Floats, by_class: Floats) -> Boxes:
    return boxes, by_class.max(1), by_class.argmax(1)


def centres_to_corners(boxes: Floats) -> Floats:
    return np.stack([boxes[:, 0] - boxes[:, 2] / 2, boxes[:, 1] - boxes[:, 3] / 2,
                     boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3] / 2], 1)


def reference(name: str, raw: dict[str, Floats], size_wh: tuple[int, int], classes: int) -> Boxes:
    """Return corners in network pixels, scores and classes of all candidates of a network."""
    out = [values.astype(np.float64) for values in raw.values()]
    if name == 'yolo_dense':
        return of_rows(centres_to_corners(out[0][0, :4].T), out[0][0, 4:].T)
    if name == 'end_to_end':
        return out[0][0, :, :4], out[0][0, :, 4], out[0][0, :, 5]
    if name in ('yolo_anchors', 'yolox_decoded'):
        return of_rows(centres_to_corners(out[0][0, :, :4]), out[0][0, :, 5:] * out[0][0, :, 4:5])
    if name == 'yolox':
        boxes, row = np.empty((len(out[0][0]), 4)), 0
        for stride in STRIDES:
            for y in range(size_wh[1] // stride):
                for x in range(size_wh[0] // stride):
                    values = out[0][0, row]
                    boxes[row] = ((values[0] + x) * stride, (values[1] + y) * stride,
                                  np.exp(values[2]) * stride, np.exp(values[3]) * stride)
                    row += 1
        return of_rows(centres_to_corners(boxes), out[0][0, :, 5:] * out[0][0, :, 4:5])
    if name == 'yolo_grids':
        found, by_class = [], []
        for grid, stride, anchors in zip(out, STRIDES, np.reshape(ANCHORS, (3, 3, 2))):
            for anchor, y, x in np.ndindex(grid.shape[1:4]):
                values = sigmoid(grid[0, anchor, y, x])
                found.append([(2 * values[0] - .5 + x) * stride, (2 * values[1] - .5 + y) * stride,
                              *(2 * values[2:4]) ** 2 * anchors[anchor]])
                by_class.append(values[5:] * values[4])
        return of_rows(centres_to_corners(np.array(found)), np.array(by_class))
    if name.startswith('detr'):
        logits, boxes = (raw[key][0].astype(np.float64) for key in ('logits', 'pred_boxes'))
        shares = sigmoid(logits) if name == 'detr_sigmoid' else (
            np.exp(logits) / np.exp(logits).sum(1, keepdims=True))[:, :classes]
        return of_rows(centres_to_corners(boxes * (size_wh * 2)), shares)
    if name == 'ultralytics_detr':
        return of_rows(centres_to_corners(out[0][0, :, :4] * (size_wh * 2)), out[0][0, :, 4:])
    if name == 'final_detr':
        return (centres_to_corners(out[0][0, :, :4] * (size_wh * 2)), out[0][0, :, 4],
                out[0][0, :, 5])
    if name == 'seven':
        return out[0][:, 1:5], out[0][:, 6], out[0][:, 5]
    if name == 'counted':
        count = int(raw['num_dets'][0, 0])
        return (raw['det_boxes'][0, :count], raw['det_scores'][0, :count],
                raw['det_classes'][0, :count])
    if name.startswith('plugin'):
        boxes, scores = (values[0] for values in out)
        return of_rows(boxes if 'corners' in name else centres_to_corners(boxes), scores)
    return raw['boxes'].reshape(-1, 4), raw['scores'].ravel(), raw['labels'].ravel()


def slow_nms(boxes: Floats, scores: Floats, classes: Floats, limit: float) -> list[int]:
    """Return the rows that greedy NMS per class keeps, by descending score."""
    kept: list[int] = []
    for row in np.argsort(-scores, kind='stable').tolist():
        for better in kept:
            low = np.maximum(boxes[row, :2], boxes[better, :2])
            high = np.minimum(boxes[row, 2:], boxes[better, 2:])
            common = np.prod(np.maximum(high - low, 0))
            areas = sum(np.prod(np.maximum(boxes[index, 2:] - boxes[index, :2], 0))
                        for index in (row, better))
            if classes[row] == classes[better] and common / (areas - common) > limit:
                break
        else:
            kept.append(row)
    return kept


def expected_in_source(name: str, found: Boxes, letterbox: Letterbox, thresholds: Thresholds
                       ) -> Boxes:
    """Return the boxes of a reference in source pixels, after thresholds and NMS."""
    boxes, scores, classes = (np.asarray(values, np.float64) for values in found)
    width, height = letterbox.source_size_wh
    source = np.empty_like(boxes)
    source[:, 0::2] = ((boxes[:, 0::2] - letterbox.pad_left) / letterbox.scale_x).clip(0, width)
    source[:, 1::2] = ((boxes[:, 1::2] - letterbox.pad_top) / letterbox.scale_y).clip(0, height)
    solid = (source[:, 2] > source[:, 0]) & (source[:, 3] > source[:, 1])
    chosen = np.flatnonzero(solid & (scores >= thresholds.confidence))
    order = chosen[np.argsort(-scores[chosen], kind='stable')]
    if name.startswith(SUPPRESSED_LATER):
        order = chosen[slow_nms(boxes[chosen], scores[chosen], classes[chosen],
                                thresholds.nms_iou)]
    return source[order], scores[order], classes[order]
