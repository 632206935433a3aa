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
# Deep networks amplify rounding. Where float64 shows that the framework's own float32 is off by
# more than the above, an ONNX may be off by this many times as much: a single value, and the
# norm of a channel or tensor (measured: up to 6 and 4, since ONNX Runtime approximates
# functions such as tanh). Beyond a share of the spread, float32 computes something else.
_TIMES_LARGEST, _TIMES_NORM, _MOST_OF_SPREAD = 8.0, 5.0, 0.1
_FEWEST_VALUES = 16
RANKS = 5

Values = NDArray[Any]


def difference(want: Values, have: Values, absolute: float = 0.0,
               rounding: Values | None = None) -> str:
    """
    Return a clause on how two tensors differ beyond the tolerance; '' if they do not.

    :param want: the expected values.
    :param have: the values to judge.
    :param absolute: absolute tolerance in addition.
    :param rounding: rounding errors of another float32 implementation, if `want` is exact.
    """
    if want.shape != have.shape:
        return f'has shape {list(have.shape)}, expected {list(want.shape)}'
    if not want.size:
        return ''
    if not np.isfinite(want).all():
        return f'has {int((~np.isfinite(want)).sum())} values that are NaN or infinite'
    want, have = wide(want), wide(have)
    error, allowed = np.abs(want - have), _allowed(want, absolute, rounding)
    wrong = ~(error <= allowed)
    if wrong.any():
        place = np.unravel_index(int(np.nan_to_num(error - allowed, nan=np.inf).argmax()),
                                 want.shape)
        return (f'is {have[place]:.6g} at {list(map(int, place))}, expected {want[place]:.6g}; '
                f'{int(wrong.sum())} of {want.size} values differ')
    return '' if absolute else _common_difference(want, error, rounding)


def _common_difference(want: Values, error: Values, rounding: Values | None) -> str:
    """Return a clause on a difference of many values, each of which could be rounding."""
    every = tuple(range(want.ndim))
    clause = _norm_difference(want, error, rounding, every, OF_NORM * want.std(
        every, keepdims=True), 'in all')
    if clause or rounding is None:
        return clause
    axes = _axes(want)
    usual = _allowed(want, 0.0).mean(axes, keepdims=True)
    return _norm_difference(want, error, rounding, axes, usual, 'in channel {}')


def _norm_difference(want: Values, error: Values, rounding: Values | None, axes: tuple[int, ...],
                     usual: Values, where: str) -> str:
    spread, off, limit = want.std(axes, keepdims=True), _norm(error, axes), usual
    if rounding is not None:
        limit = np.maximum(usual, np.minimum(
            _TIMES_NORM * _of_channels(_norm(rounding, axes), spread, 50.0),
            _MOST_OF_SPREAD * spread))
    worst = int((off - limit).argmax())
    unit = float(spread.flat[worst])
    if not unit or off.flat[worst] <= limit.flat[worst]:
        return ''
    return (f'differs by {off.flat[worst] / unit:.3g} of its spread {where.format(worst)} '
            f'(relative L2), allowed {limit.flat[worst] / unit:.3g}')


def _axes(want: Values) -> tuple[int, ...]:
    """
    Return the axes of a tensor that are not its channels.

    Boxes and scores may be channels of one tensor; [1, n, m] has its channels on the shorter
    axis. A few values have no spread of their own, and get that of the whole tensor.
    """
    axes = every = tuple(range(want.ndim))
    if want.ndim >= 3:
        channel = 1 if want.ndim > 3 or want.shape[1] <= want.shape[2] else 2
        axes = tuple(axis for axis in axes if axis != channel)
    return every if math.prod(want.shape[axis] for axis in axes) < _FEWEST_VALUES else axes


def _allowed(want: Values, absolute: float, rounding: Values | None = None) -> Values:
    """Return the tolerance of each value: a share of the spread of its channel, and of itself."""
    axes = _axes(want)
    spread, largest = want.std(axes, keepdims=True), np.abs(want).max(axes, keepdims=True)
    allowed = absolute + OF_SPREAD * spread + OF_VALUE * np.abs(want) + OF_LARGEST * largest
    if rounding is not None:
        own = _largest_rounding(rounding, axes, spread)
        allowed = np.maximum(allowed, np.minimum(_TIMES_LARGEST * own, _MOST_OF_SPREAD * spread))
    return np.asarray(allowed)


def _of_channels(rounding: Values, spread: Values, percentile: float) -> Values:
    """Return the rounding of each channel, at least what others have relative to their spread."""
    changes = spread > 0
    share = float(np.percentile(rounding[changes] / spread[changes], percentile)) \
        if changes.any() else 0.0
    return np.maximum(rounding, share * spread)


def _largest_rounding(rounding: Values, axes: tuple[int, ...], spread: Values) -> Values:
    """Return how far rounding moves a value of a channel; the largest is rare in each."""
    return _of_channels(np.abs(rounding).max(axes, keepdims=True), spread, 100.0)


def _norm(values: Values, axes: tuple[int, ...]) -> Values:
    """Return the root of the mean square of each channel."""
    return np.asarray(np.sqrt((values ** 2).mean(axes, keepdims=True)))


def rank_agreement(want: Values, have: Values, rounding: Values | None = None
                   ) -> NDArray[np.int64]:
    """
    Return for each of the best ranks along axis 1 at how many positions it agrees and is clear.

    A rank agrees if all values that were behind it stay behind it. It is clear if the next value
    is farther away than rounding can bring it.

    :param want: the expected values.
    :param have: values of the same shape.
    :param rounding: see `difference`.
    :returns: int64 (ranks, 2); the first rank is the argmax.
    """
    if want.ndim < 2 or want.shape[1] < 2:
        return np.zeros((0, 2), np.int64)
    values, others = (np.moveaxis(wide(given), 1, 0) for given in (want, have))
    order = np.argsort(-values, axis=0, kind='stable')
    values, others = (np.take_along_axis(given, order, 0) for given in (values, others))
    behind = np.maximum.accumulate(others[::-1], axis=0)[::-1]
    ranks = min(RANKS, len(values) - 1)
    gaps = values[:ranks] - values[1:ranks + 1]
    clear = gaps > 2 * np.moveaxis(_rounding_of(wide(want), rounding), 1, 0).max(0)
    same = others[:ranks] > behind[1:ranks + 1]
    axes = tuple(range(1, same.ndim))
    return np.stack([(same & clear).sum(axes), clear.sum(axes)], 1).astype(np.int64)


def _rounding_of(want: Values, rounding: Values | None) -> Values:
    """Return how far rounding can move each value: as measured, or else all that is allowed."""
    if rounding is None:
        return _allowed(want, 0.0)
    axes = _axes(want)
    own = _largest_rounding(rounding, axes, want.std(axes, keepdims=True))
    return np.broadcast_to(_TIMES_LARGEST * own + OF_LARGEST * np.abs(want).max(
        axes, keepdims=True), want.shape)


def wide(values: Values) -> NDArray[np.float64]:
    """Return values in float64."""
    return values.astype(np.float64)
