# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Nodes that several heads append: they select the K best candidates and compute their boxes.

Expensive steps follow the selection, for K rows instead of thousands. The arithmetic is the same
as in the NumPy decoders.
"""

from __future__ import annotations

from edge_trt_ros.heads.head import Tail

# Name of the tensor [1, K] with the indices of the kept candidates.
ORDER = 'edge_trt_ros/order'


def append_order(tail: Tail, scores: str, class_of: str, kept: int) -> str:
    """Append `scores` and `class_ids` of the K best of [1, N]; return their indices [1, K]."""
    order = tail.node('TopK', [scores, tail.ints(kept)], 'scores', ORDER, axis=1)
    tail.cast(tail.node('GatherElements', [class_of, order], axis=1), 'int32', 'class_ids')
    return order


def append_best(tail: Tail, by_class: str, kept: int) -> str:
    """Append the selection by class scores [1, N, C]; return the indices [1, K]."""
    best = tail.node('ReduceMax', [by_class, tail.ints(2)], keepdims=0)
    return append_order(tail, best, tail.node('ArgMax', [by_class], axis=2, keepdims=0), kept)


def append_corners(tail: Tail, boxes: str) -> None:
    """Append `boxes_xyxy`, computed from centres and sizes [1, K, 4]."""
    # Sums instead of a matrix product: TF32 would lose half a pixel in a network of 640 pixels.
    centre = tail.columns(boxes, 0, 2, 2)
    half = tail.node('Mul', [tail.columns(boxes, 2, 4, 2), tail.half()])
    tail.node('Concat', [tail.node('Sub', [centre, half]), tail.node('Add', [centre, half])],
              'boxes_xyxy', axis=2)


def append_dense(tail: Tail, raw: str, rows: int, kept: int) -> None:
    """Append the selection from [1, rows, anchors]: 4 rows of boxes, then a row per class."""
    by_class = tail.columns(raw, 4, rows, 1)  # [1, C, N]
    best = tail.node('ReduceMax', [by_class, tail.ints(1)], keepdims=0)  # [1, N]
    class_of = tail.node('ArgMax', [by_class], axis=1, keepdims=0)
    order = append_order(tail, best, class_of, kept)
    boxes = tail.node('Transpose', [tail.columns(raw, 0, 4, 1)], perm=[0, 2, 1])  # [1, N, 4]
    append_corners(tail, tail.rows(boxes, order, kept, 4))


def append_dense_with(tail: Tail, raw: str, rows: int, kept: int, extra: int) -> str:
    """Append the selection from [1, rows, anchors]; return its last rows, [1, K, extra]."""
    append_dense(tail, raw, rows - extra, kept)
    last = tail.node('Transpose', [tail.columns(raw, rows - extra, rows, 1)], perm=[0, 2, 1])
    return tail.rows(last, ORDER, kept, extra)


def append_normalised(tail: Tail, boxes: str, by_class: str, size_wh: tuple[int, int], kept: int
                      ) -> None:
    """Append the selection from boxes [1, N, 4]: centre and size as fractions of the input."""
    order = append_best(tail, by_class, kept)
    scale = tail.floats(*map(float, size_wh * 2))
    append_corners(tail, tail.node('Mul', [tail.rows(boxes, order, kept, 4), scale]))


def append_final(tail: Tail, boxes: str, scores: str, classes: str, kept: int) -> None:
    """Append the K best of final boxes [1, N, 4], corners, with scores and classes [1, N]."""
    order = append_order(tail, scores, classes, kept)
    tail.node('Identity', [tail.rows(boxes, order, kept, 4)], 'boxes_xyxy')
