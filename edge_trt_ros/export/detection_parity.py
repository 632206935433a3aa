"""Bringing two lists of detections into one order, so that they can be compared row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# What boxes of one object may differ by, by two ways through the same float32 network.
NEAR_PX = 0.02
# Of the rows: suppression decides a few by the last bit of a score or of an overlap.
_MAY_DIFFER = 0.05

Rows = list[NDArray[Any]]


def aligned(expected: Rows, actual: Rows) -> tuple[Rows, Rows]:
    """
    Return the rows of both that are one detection, in the order of the first.

    Both as they are, if more than 5 % of the rows (or more than one of a few) have no partner:
    then the order is not what parts them.

    :param expected: boxes_xyxy float [n, 4], scores float [n], labels int [n].
    :param actual: the same of m rows.
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
    most = max(len(boxes), len(others))
    if most - len(pairs) > max(1, _MAY_DIFFER * most):
        return expected, actual
    ours, theirs = (np.array(rows, np.int64) for rows in zip(*pairs))
    return [one[ours] for one in expected], [one[theirs] for one in actual]
