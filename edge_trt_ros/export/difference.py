# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""How two tensors of the same network differ: beyond rounding, or by rounding alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Tolerance for a value x of a channel of a float32 tensor: OF_SPREAD times the standard deviation
# of the channel, OF_VALUE * |x|, and a few roundings of its largest value. Rounding scatters, so
# that the norm of all differences is much smaller: OF_NORM of the norm of the tensor's spread.
OF_SPREAD, OF_VALUE, OF_LARGEST, OF_NORM = 2e-3, 1e-4, 1e-6, 1e-3
_FEWEST_VALUES = 16


def difference(want: NDArray[Any], have: NDArray[Any], absolute: float = 0.0) -> str:
    """Return a clause on how two tensors differ beyond the tolerance; '' if they do not."""
    if want.shape != have.shape:
        return f'has shape {list(have.shape)}, expected {list(want.shape)}'
    if not want.size:
        return ''
    if not np.isfinite(want).all():
        return f'has {int((~np.isfinite(want)).sum())} values that are NaN or infinite'
    want, have = wide(want), wide(have)
    error, allowed = np.abs(want - have), _allowed(want, absolute)
    wrong = ~(error <= allowed)
    if wrong.any():
        place = np.unravel_index(int(np.nan_to_num(error - allowed, nan=np.inf).argmax()),
                                 want.shape)
        return (f'is {have[place]:.6g} at {list(map(int, place))}, expected {want[place]:.6g}; '
                f'{int(wrong.sum())} of {want.size} values differ')
    spread = np.linalg.norm(want - want.mean())
    off = float(np.linalg.norm(want - have) / spread) if spread and not absolute else 0.0
    return '' if off <= OF_NORM else (
        f'differs by {off:.3g} of its spread in all (relative L2), allowed {OF_NORM}')


def _allowed(want: NDArray[np.float64], absolute: float) -> NDArray[np.float64]:
    """
    Return the tolerance of each value: a share of the spread of its channel, and of itself.

    Boxes and scores may be channels of one tensor; [1, n, m] has its channels on the shorter
    axis. A few values have no spread of their own, and get that of the whole tensor.
    """
    axes = tuple(range(want.ndim))
    if want.ndim >= 3:
        channel = 1 if want.ndim > 3 or want.shape[1] <= want.shape[2] else 2
        axes = tuple(axis for axis in axes if axis != channel)
    if math.prod(want.shape[axis] for axis in axes) < _FEWEST_VALUES:
        axes = tuple(range(want.ndim))
    spread, largest = want.std(axes, keepdims=True), np.abs(want).max(axes, keepdims=True)
    return np.asarray(absolute + OF_SPREAD * spread + OF_VALUE * np.abs(want)
                      + OF_LARGEST * largest)


def argmax_agreement(want: NDArray[Any], have: NDArray[Any]) -> tuple[int, int]:
    """Return at how many positions the argmax agrees, and at how many it is no toss-up."""
    if want.ndim < 2 or want.shape[1] < 2:
        return 0, 0
    values, others = wide(want), wide(have)
    best = np.sort(values, axis=1)[:, -2:]
    clear = best[:, 1] - best[:, 0] > 2 * _allowed(values, 0.0).max(1)
    same = values.argmax(1) == others.argmax(1)
    return int((same & clear).sum()), int(clear.sum())


def wide(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return values in float64."""
    return values.astype(np.float64)
