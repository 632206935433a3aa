"""
The heads of detectors as their networks give them: what a fused engine is checked against.

Each takes a network's outputs by the roles that `convert.head_detection` gave them. The
formulas are those of the networks' own exporters and papers, named where they are not plain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.grids import anchor_table, cell_counts, cell_table
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import check_finite, Outputs, select, Thresholds

Floats = NDArray[np.float32]


def yolo_dense(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode [1, 4 + classes, anchors]: centre, size, a score for each class (v8, 11, 12)."""
    raw = _only_output(outputs, 'rows of 4 + classes', lambda shape: shape[1] > 4)
    scores = raw[4:].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return _finish(xywh_to_xyxy(raw[:4, chosen].T), scores[chosen], raw[4:, chosen].argmax(0),
                   letterbox, thresholds, suppress=True)


def yolo_anchors(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode [1, boxes, 5 + classes]: centre, size, objectness, classes (v5, v6, v7, YOLOX)."""
    raw = _only_output(outputs, 'columns of 5 + classes', lambda shape: shape[2] > 5)
    chosen, scores, class_ids = _best(raw[:, 5:] * raw[:, 4:5], thresholds)
    return _finish(xywh_to_xyxy(raw[chosen, :4]), scores, class_ids, letterbox, thresholds,
                   suppress=True)


def yolo_end_to_end(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode [1, boxes, 6]: corners, score, class, without suppression (v10, 26)."""
    raw = _only_output(outputs, '6 columns', lambda shape: shape[2] == 6)
    chosen = raw[raw[:, 4] >= thresholds.confidence]
    return _finish(chosen[:, :4], chosen[:, 4], chosen[:, 5], letterbox, thresholds,
                   suppress=False)


def yolox(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """
    Decode [1, cells, 5 + classes] whose boxes are offsets in their cells (YOLOX).

    Centre (xy + cell) * stride, size exp(wh) * stride: arXiv 2107.08430, section 2.1.
    """
    raw = _only_output(outputs, 'columns of 5 + classes', lambda shape: shape[2] > 5)
    counts = cell_counts(letterbox.network_size_wh)
    if len(raw) not in counts:
        raise NetworkOutputError(f'the network gives {len(raw)} rows, expected one for each of '
                                 f'{sorted(counts)} cells: rebuild the engine')
    chosen, scores, class_ids = _best(raw[:, 5:] * raw[:, 4:5], thresholds)
    cells = cell_table(letterbox.network_size_wh, counts[len(raw)])[chosen]
    boxes = np.concatenate([(raw[chosen, :2] + cells[:, :2]) * cells[:, 2:],
                            np.exp(raw[chosen, 2:4]) * cells[:, 2:]], 1)
    return _finish(xywh_to_xyxy(boxes), scores, class_ids, letterbox, thresholds, suppress=True)


def yolo_grids(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
               anchors_wh: tuple[float, ...] = ()) -> Detections:
    """
    Decode [1, anchors, rows, columns, 5 + classes] for each grid, all of it logits (v5, v7).

    Centre (2 s - 0.5 + cell) * stride, size (2 s)^2 * anchor, where s is the sigmoid.
    """
    grids = [values[0].astype(np.float32, copy=False) for values in outputs.values()]
    for name, values in outputs.items():
        check_finite(name, values)
    raw = _sigmoid(np.concatenate([grid.reshape(-1, grid.shape[-1]) for grid in grids]))
    strides = tuple(letterbox.network_size_wh[0] // grid.shape[2] for grid in grids)
    chosen, scores, class_ids = _best(raw[:, 5:] * raw[:, 4:5], thresholds)
    cells = anchor_table(letterbox.network_size_wh, strides, anchors_wh)[chosen]
    boxes = np.concatenate([(raw[chosen, :2] * 2 - 0.5 + cells[:, :2]) * cells[:, 2:3],
                            (raw[chosen, 2:4] * 2) ** 2 * cells[:, 3:]], 1)
    return _finish(xywh_to_xyxy(boxes), scores, class_ids, letterbox, thresholds, suppress=True)


def detr_softmax(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `logits` [1, queries, classes + 1], the last for none, and `boxes` (DETR)."""
    logits, boxes = _logits_and_boxes(outputs)
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return _normalized(boxes, (shares / shares.sum(1, keepdims=True))[:, :-1], letterbox,
                       thresholds)


def detr_sigmoid(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `logits` [1, queries, classes] and `boxes` (RT-DETR, Deformable DETR)."""
    logits, boxes = _logits_and_boxes(outputs)
    return _normalized(boxes, _sigmoid(logits), letterbox, thresholds)


def normalized_rows(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds
                    ) -> Detections:
    """Decode [1, queries, 4 + classes]: normalised centre and size, classes (RT-DETR)."""
    raw = _only_output(outputs, 'columns of 4 + classes', lambda shape: shape[2] > 4)
    return _normalized(raw[:, :4], raw[:, 4:], letterbox, thresholds)


def final_boxes(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [n, 4], `scores` [n] and `labels` [n], each perhaps with a batch of 1."""
    boxes, scores, class_ids = outputs['boxes'], outputs['scores'], outputs['labels']
    check_finite('boxes', boxes)
    check_finite('scores', scores)
    scores = scores.reshape(-1)
    chosen = scores >= thresholds.confidence
    return _finish(boxes.reshape(-1, 4)[chosen], scores[chosen], class_ids.reshape(-1)[chosen],
                   letterbox, thresholds, suppress=False)


def counted_boxes(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `count` [1, 1], `boxes` [1, n, 4], `scores` [1, n], `labels` [1, n]."""
    count = max(int(outputs['count'].reshape(-1)[0]), 0)
    return final_boxes({name: outputs[name][:, :count] for name in ('boxes', 'scores', 'labels')},
                       letterbox, thresholds)


def rows_of_seven(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode [n, 7]: image, corners, class, score (v7 with suppression inside)."""
    raw = next(iter(outputs.values())).astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), raw)
    chosen = raw[raw[:, 6] >= thresholds.confidence]
    return _finish(chosen[:, 1:5], chosen[:, 6], chosen[:, 5], letterbox, thresholds,
                   suppress=False)


def scored_corners(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [1, n, 4], corners, and `scores` [1, n, classes]."""
    return _scored(outputs, letterbox, thresholds, lambda boxes: boxes)


def scored_centres(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [1, n, 4], centre and size, and `scores` [1, n, classes]."""
    return _scored(outputs, letterbox, thresholds, xywh_to_xyxy)


def _scored(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
            corners: Callable[[Floats], Floats]) -> Detections:
    boxes, scores = (outputs[name][0].astype(np.float32, copy=False)
                     for name in ('boxes', 'scores'))
    check_finite('boxes', boxes)
    check_finite('scores', scores)
    chosen, best, class_ids = _best(scores, thresholds)
    return _finish(corners(boxes[chosen]), best, class_ids, letterbox, thresholds, suppress=True)


def _logits_and_boxes(outputs: Outputs) -> tuple[Floats, Floats]:
    logits, boxes = (outputs[name][0].astype(np.float32, copy=False)
                     for name in ('logits', 'boxes'))
    check_finite('logits', logits)
    check_finite('boxes', boxes)
    return logits, boxes


def _normalized(boxes: Floats, by_class: Floats, letterbox: Letterbox, thresholds: Thresholds
                ) -> Detections:
    chosen, scores, class_ids = _best(by_class, thresholds)
    scale = np.array(letterbox.network_size_wh * 2, np.float32)
    return _finish(xywh_to_xyxy(boxes[chosen] * scale), scores, class_ids, letterbox, thresholds,
                   suppress=False)


def _best(by_class: Floats, thresholds: Thresholds
          ) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
    """Return the rows above the threshold, the score and the class of the best of each."""
    scores = by_class.max(1)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return chosen, scores[chosen], by_class[chosen].argmax(1)


def _finish(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
            letterbox: Letterbox, thresholds: Thresholds, suppress: bool) -> Detections:
    return select(boxes, scores, class_ids, letterbox, thresholds, suppress)[0]


def _sigmoid(values: Floats) -> Floats:
    with np.errstate(over='ignore'):  # 1 / infinity is the 0 that is meant
        return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def _only_output(outputs: Outputs, expected: str, fits: Callable[[tuple[int, ...]], bool]
                 ) -> Floats:
    shapes = {name: values.shape for name, values in outputs.items()}
    raw = next(iter(outputs.values())) if len(outputs) == 1 else None
    if raw is None or raw.ndim != 3 or raw.shape[0] != 1 or not fits(raw.shape):
        raise NetworkOutputError(f'the network gives {shapes}, expected one output of one image '
                                 f'with {expected}: rebuild the engine')
    # Widened first: NumPy is slow to sum float16, and NaN and infinity stay what they are.
    single: Floats = raw[0].astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), single)
    return single
