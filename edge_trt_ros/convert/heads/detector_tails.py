"""
The decoding of each family of detectors as nodes of a graph: scores, an order, boxes of the best.

What costs is done after the best are known: K rows instead of thousands. The arithmetic is that
of `vision.detector_heads`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from onnx import TensorProto

from edge_trt_ros.convert.graph.tail import GraphTail, ORDER
from edge_trt_ros.convert.heads.head_detection import DetectionHead
from edge_trt_ros.vision.grids import anchor_table, cell_counts, cell_table

Tensors = Mapping[str, str]


def append_decoding(tail: GraphTail, head: DetectionHead, raw: Tensors, size_wh: tuple[int, int],
                    kept: int) -> None:
    """
    Append `scores`, `class_ids` and `boxes_xyxy` of the best candidates.

    :param tail: of the graph.
    :param head: of the network.
    :param raw: its outputs by their roles, float32 where they were floating point.
    :param size_wh: width and height of the network's input in pixels.
    :param kept: K.
    """
    shapes = {role: spec.shape for role, spec in head.roles.items()}
    if head.name == 'yolo_dense':
        append_dense(tail, raw['output'], shapes['output'][1], kept)
    elif head.name == 'yolo_anchors':
        _append_rows(tail, raw['output'], shapes['output'][2], kept)
    elif head.name == 'yolo_end_to_end':
        _append_end_to_end(tail, raw['output'], kept)
    elif head.name == 'yolox':
        _append_yolox(tail, raw['output'], shapes['output'], size_wh, kept)
    elif head.name == 'yolo_grids':
        _append_grids(tail, head, raw, size_wh, kept)
    elif head.name in ('detr_softmax', 'detr_sigmoid'):
        scores = tail.node('Softmax', [raw['logits']], axis=2) if head.name == 'detr_softmax' \
            else tail.node('Sigmoid', [raw['logits']])
        _append_normalized(tail, raw['boxes'], tail.columns(scores, 0, len(head.labels), 2),
                           size_wh, kept)
    elif head.name == 'normalized_rows':
        boxes, scores = (tail.columns(raw['output'], *ends, 2)
                         for ends in ((0, 4), (4, shapes['output'][2])))
        _append_normalized(tail, boxes, scores, size_wh, kept)
    elif head.name in ('scored_corners', 'scored_centres'):
        order = _append_best(tail, raw['scores'], kept)
        boxes = tail.rows(raw['boxes'], order, kept, 4)
        if head.name == 'scored_corners':
            tail.node('Identity', [boxes], 'boxes_xyxy')
        else:
            _append_corners(tail, boxes)
    else:
        _append_final(tail, head, raw, kept)


def append_mask(tail: GraphTail, head: DetectionHead, raw: Tensors) -> Tensors:
    """Append zeros over the rows of `counted_boxes` that do not count: anything may be there."""
    if 'count' not in raw:
        return raw
    places = tail.constant(np.arange(head.boxes, dtype=np.int32)[None])
    counts = tail.node('Less', [places, tail.node('Cast', [raw['count']], to=TensorProto.INT32)])
    wide = tail.node('Unsqueeze', [counts, tail.ints(2)])
    return {**raw, 'scores': tail.node('Where', [counts, raw['scores'], tail.floats(0.0)]),
            'boxes': tail.node('Where', [wide, raw['boxes'], tail.floats(0.0)])}


def append_dense(tail: GraphTail, raw: str, rows: int, kept: int) -> None:
    """Append the choice of the best candidates of [1, rows, anchors]: 4 of box, then classes."""
    by_class = tail.columns(raw, 4, rows, 1)  # [1, C, N]
    best = tail.node('ReduceMax', [by_class, tail.ints(1)], keepdims=0)  # [1, N]
    class_of = tail.node('ArgMax', [by_class], axis=1, keepdims=0)
    order = _append_order(tail, best, class_of, kept)
    boxes = tail.node('Transpose', [tail.columns(raw, 0, 4, 1)], perm=[0, 2, 1])  # [1, N, 4]
    _append_corners(tail, tail.rows(boxes, order, kept, 4))


def _append_order(tail: GraphTail, scores: str, class_of: str, kept: int) -> str:
    order = tail.node('TopK', [scores, tail.ints(kept)], 'scores', ORDER, axis=1)
    classes = tail.node('GatherElements', [class_of, order], axis=1)
    tail.node('Cast', [classes], 'class_ids', to=TensorProto.INT32)
    return order


def _append_best(tail: GraphTail, by_class: str, kept: int) -> str:
    """Append the choice among [1, N, C]; return the order."""
    best = tail.node('ReduceMax', [by_class, tail.ints(2)], keepdims=0)
    return _append_order(tail, best, tail.node('ArgMax', [by_class], axis=2, keepdims=0), kept)


def _append_corners(tail: GraphTail, boxes: str) -> None:
    # Sums and not a matrix product: TF32 would cost a network of 640 half a pixel.
    centre = tail.columns(boxes, 0, 2, 2)
    half = tail.node('Mul', [tail.columns(boxes, 2, 4, 2), tail.half()])
    tail.node('Concat', [tail.node('Sub', [centre, half]), tail.node('Add', [centre, half])],
              'boxes_xyxy', axis=2)


def _append_rows(tail: GraphTail, raw: str, columns: int, kept: int) -> None:
    # Turned first: TensorRT is quickest along the last axis.
    rows = tail.node('Transpose', [raw], perm=[0, 2, 1])  # [1, 5 + C, N]
    scores = tail.node('Mul', [tail.columns(rows, 5, columns, 1), tail.columns(rows, 4, 5, 1)])
    dense = tail.node('Concat', [tail.columns(rows, 0, 4, 1), scores], axis=1)
    append_dense(tail, dense, columns - 1, kept)


def _append_end_to_end(tail: GraphTail, raw: str, kept: int) -> None:
    scores, classes = (tail.node('Squeeze', [tail.columns(raw, column, column + 1, 2),
                                             tail.ints(2)]) for column in (4, 5))
    order = _append_order(tail, scores, classes, kept)
    tail.node('Identity', [tail.rows(tail.columns(raw, 0, 4, 2), order, kept, 4)], 'boxes_xyxy')


def _append_yolox(tail: GraphTail, raw: str, shape: tuple[int, ...], size_wh: tuple[int, int],
                  kept: int) -> None:
    table = cell_table(size_wh, cell_counts(size_wh)[shape[1]])
    scores = tail.node('Mul', [tail.columns(raw, 5, shape[2], 2), tail.columns(raw, 4, 5, 2)])
    order = _append_best(tail, scores, kept)
    boxes = tail.rows(tail.columns(raw, 0, 4, 2), order, kept, 4)
    cells = tail.rows(tail.constant(table[None]), order, kept, 3)
    stride = tail.columns(cells, 2, 3, 2)
    moved = tail.node('Add', [tail.columns(boxes, 0, 2, 2), tail.columns(cells, 0, 2, 2)])
    grown = tail.node('Exp', [tail.columns(boxes, 2, 4, 2)])
    _append_corners(tail, tail.node('Concat', [tail.node('Mul', [part, stride])
                                               for part in (moved, grown)], axis=2))


def _append_grids(tail: GraphTail, head: DetectionHead, raw: Tensors, size_wh: tuple[int, int],
                  kept: int) -> None:
    shapes = [spec.shape for spec in head.roles.values()]
    columns = shapes[0][4]
    table = anchor_table(size_wh, tuple(size_wh[0] // shape[3] for shape in shapes),
                         head.anchors_wh)
    rows = tail.node('Sigmoid', [tail.node('Concat', [
        tail.node('Reshape', [raw[role], tail.ints(1, -1, columns)]) for role in head.roles],
        axis=1)])
    scores = tail.node('Mul', [tail.columns(rows, 5, columns, 2), tail.columns(rows, 4, 5, 2)])
    order = _append_best(tail, scores, kept)
    twice = tail.node('Mul', [tail.rows(tail.columns(rows, 0, 4, 2), order, kept, 4),
                              tail.constant(np.array(2, np.float32))])
    cells = tail.rows(tail.constant(table[None]), order, kept, 5)
    centre = tail.node('Sub', [tail.columns(twice, 0, 2, 2), tail.half()])
    centre = tail.node('Add', [centre, tail.columns(cells, 0, 2, 2)])
    size = tail.columns(twice, 2, 4, 2)
    _append_corners(tail, tail.node('Concat', [
        tail.node('Mul', [centre, tail.columns(cells, 2, 3, 2)]),
        tail.node('Mul', [tail.node('Mul', [size, size]), tail.columns(cells, 3, 5, 2)])],
        axis=2))


def _append_normalized(tail: GraphTail, boxes: str, by_class: str, size_wh: tuple[int, int],
                       kept: int) -> None:
    order = _append_best(tail, by_class, kept)
    scale = tail.floats(*map(float, size_wh * 2))
    _append_corners(tail, tail.node('Mul', [tail.rows(boxes, order, kept, 4), scale]))


def _append_final(tail: GraphTail, head: DetectionHead, raw: Tensors, kept: int) -> None:
    """Append boxes that are final: the best of them, and of as many as there are with zeros."""
    if head.name == 'rows_of_seven':
        boxes = tail.columns(raw['output'], 1, 5, 1)
        scores, classes = (tail.node('Squeeze', [
            tail.columns(raw['output'], column, column + 1, 1), tail.ints(1)])
            for column in (6, 5))
    else:
        boxes, scores, classes = (raw[role] for role in ('boxes', 'scores', 'labels'))
    classes = tail.node('Cast', [classes], to=TensorProto.INT32)
    if len(next(iter(head.roles.values())).shape) == 2 and 'count' not in raw:
        boxes, scores, classes = (tail.node('Unsqueeze', [tail.node('Concat', [
            values, tail.constant(np.zeros((kept, *rest), kind))], axis=0), tail.ints(0)])
            for values, rest, kind in ((boxes, (4,), np.float32), (scores, (), np.float32),
                                       (classes, (), np.int32)))
    order = _append_order(tail, scores, classes, kept)
    tail.node('Identity', [tail.rows(boxes, order, kept, 4)], 'boxes_xyxy')
