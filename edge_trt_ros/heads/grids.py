# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The grids of one-stage detectors: their cells and anchors in output order."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# Anchors per cell in YOLOv5 and YOLOv7.
ANCHORS_A_CELL = 3
STRIDE_SETS = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))


def cell_counts(size_wh: tuple[int, int]) -> dict[int, tuple[int, ...]]:
    """
    Return the known sets of strides by their number of cells.

    :param size_wh: width and height of the network's input in pixels.
    """
    width, height = size_wh
    return {sum(-(-width // stride) * -(-height // stride) for stride in strides): strides
            for strides in STRIDE_SETS}


def cell_code(size_wh: tuple[int, int], strides: tuple[int, ...]) -> str:
    """
    Return CUDA code with the table of `cell_table` as a function.

    :param size_wh: width and height of the network's input in pixels.
    :param strides: pixels between two cells of each grid.
    """
    branches = ''
    for stride in strides:
        columns, rows = -(-size_wh[0] // stride), -(-size_wh[1] // stride)
        branches += (f'  if (row < {columns * rows}) return {{(float)(row % {columns}), '
                     f'(float)(row / {columns}), {stride}}};\n  row -= {columns * rows};\n')
    return ('struct Cell { float x, y, stride; };\n'
            f'__device__ Cell cell_of(int row) {{\n{branches}  return {{0, 0, 0}};\n}}\n')


@lru_cache(maxsize=16)
def cell_table(size_wh: tuple[int, int], strides: tuple[int, ...]) -> NDArray[np.float32]:
    """
    Return the cells of grids: float32 (n, 3) with column, row and stride of each cell; read-only.

    Order: by grid as in `strides`, then by row, then by column.

    :param size_wh: width and height of the network's input in pixels.
    :param strides: pixels between two cells of each grid.
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
    Return the anchors of grids: float32 (n, 5) with column, row, stride, anchor width and height.

    Order: by grid as in `strides`, then by anchor, then by row, then by column.

    :param size_wh: width and height of the network's input in pixels.
    :param strides: pixels between two cells of each grid.
    :param anchors_wh: width and height of each anchor in pixels, in the order of the grids.
    """
    sizes = np.array(anchors_wh, np.float32).reshape(len(strides), -1, 2)
    parts = []
    for stride, grid_sizes in zip(strides, sizes):
        cells = cell_table(size_wh, (stride,))
        parts += [np.concatenate([cells, np.broadcast_to(size, (len(cells), 2))], 1)
                  for size in grid_sizes]
    return np.concatenate(parts)
