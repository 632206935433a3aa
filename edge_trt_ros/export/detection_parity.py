# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Match the rows of two lists of detections, so that they can be compared row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Largest difference between boxes of one object, computed by the same float32 network in PyTorch
# and in ONNX Runtime.
NEAR_PX = 0.02
# Share of rows without a partner: rounding of a score or an IoU decides whether NMS keeps them.
_MAX_UNMATCHED = 0.05

Rows = list[NDArray[Any]]


def aligned(expected: Rows, actual: Rows) -> tuple[Rows, Rows]:
    """
    Return the matching rows of two lists of detections, in the order of the first.

    Both are returned unchanged if more than 5 % of the rows (and more than one) have no partner:
    then they differ in more than their order.

    :param expected: boxes_xyxy float [n, 4], scores float [n], labels int [n].
    :param actual: the same, m rows.
    """
    boxes, _, labels = expected
    others, _, other_labels = actual
    if not len(boxes) or not len(others):
        return expected, actual
    apart_px = np.abs(boxes[:, None] - others[None]).max(axis=2)
    apart_px[labels[:, None] != other_labels[None]] = np.inf
    pairs: list[tuple[int, int]] = []
    for row in range(len(boxes)):
        partner = int(apart_px[row].argmin())
        if apart_px[row, partner] <= NEAR_PX:
            pairs.append((row, partner))
            apart_px[:, partner] = np.inf
    rows_of_longer = max(len(boxes), len(others))
    if rows_of_longer - len(pairs) > max(1, _MAX_UNMATCHED * rows_of_longer):
        return expected, actual
    ours, theirs = (np.array(rows, np.int64) for rows in zip(*pairs))
    return [array[ours] for array in expected], [array[theirs] for array in actual]
