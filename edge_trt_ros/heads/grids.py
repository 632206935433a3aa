"""The grids of one-stage detectors: the cells of a network of some size, in their order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Of YOLOv5 and v7.
ANCHORS_A_CELL = 3
STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))


def cell_counts(size_wh: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    """
    Return how many cells the known sets of strides have, and which set it is.

    :param size_wh: width and height of the network's input in pixels.
    """
    width, height = size_wh
    return {sum(-(-width // stride) * -(-height // stride) for stride in strides): strides
            for strides in STRIDE_SETS}


@lru_cache(maxsize=16)
def cell_table(size_wh: tuple[int, int], strides: tuple[int, ...]) -> NDArray[np.float32]:
    """
    Return the cells of some grids: float32 (n, 3), column, row and stride of each.

    Grid after grid in the order of the strides, row after row. Not to be modified.

    :param size_wh: width and height of the network's input in pixels.
    :param strides: pixels between two cells, for each grid.
    """
    parts = []
    for stride in strides:
        columns, rows = -(-size_wh[0] // stride), -(-size_wh[1] // stride)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        parts.append(np.stack([x, y, np.full_like(x, stride)], 1))
    table = np.concatenate(parts).astype(np.float32)
    table.setflags(write=False)
    return table


def anchor_table(size_wh: tuple[int, int], strides: tuple[int, ...],
                 anchors_wh: tuple[float, ...]) -> NDArray[np.float32]:
    """
    Return the cells of grids with several anchors: float32 (n, 5), the cell and its anchor's size.

    Grid after grid; in each anchor after anchor, and row after row.

    :param size_wh: width and height of the network's input in pixels.
    :param strides: pixels between two cells, for each grid.
    :param anchors_wh: width and height in pixels of each anchor, those of the first grid first.
    """
    sizes = np.array(anchors_wh, np.float32).reshape(len(strides), -1, 2)
    parts = []
    for stride, of_grid in zip(strides, sizes):
        cells = cell_table(size_wh, (stride,))
        parts += [np.concatenate([cells, np.broadcast_to(size, (len(cells), 2))], 1)
                  for size in of_grid]
    return np.concatenate(parts)
