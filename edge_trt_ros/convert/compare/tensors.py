# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Compare raw tensors of an engine with those of its ONNX model, over all samples.

The channels of a tensor may have different units: a detector returns pixels and scores in one
tensor. So channels of similar magnitude are measured together, and others apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.verdict import rounded, Verdict

# Channels are sorted by magnitude; where one is this many times the next, a group ends.
_GROUP_GAP = 30.0
_SMALLEST = 1e-30


@dataclass(frozen=True)
class TensorError:
    """
    How far the values of a group of channels are from the reference.

    :param name: the tensor, and the channels if it has several groups.
    :param relative_l2: norm of the difference, relative to the norm of the reference.
    :param cosine: cosine of the angle between the two.
    :param gain: factor that fits the values best to the reference; 1 without a systematic error.
    :param max_error: greatest difference of a value.
    :param place: where it is: the sample and the index in the tensor.
    :param peak: greatest magnitude of the reference.
    """

    name: str
    relative_l2: float
    cosine: float
    gain: float
    max_error: float
    place: str
    peak: float


class TensorComparison:
    """
    Sums up the differences of one tensor over all samples.

    :param name: name of the tensor, for messages.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Sums of want * want, have * have, want * have and error * error by channel.
        self._sums: NDArray[np.float64] = np.zeros((4, 0))
        self._peaks: NDArray[np.float64] = np.zeros(0)
        self._errors: NDArray[np.float64] = np.zeros(0)
        self._places: list[str] = []

    def add(self, expected: NDArray[Any], actual: NDArray[Any], sample: str) -> None:
        """
        Compare the values of one sample.

        :param expected: the reference.
        :param actual: values of the same shape.
        :param sample: name of the sample, for the place of the greatest error.
        """
        want, have = (_by_channel(values) for values in (expected, actual))
        same = np.isinf(want) & (want == have)
        if same.any():  # a depth can be infinite
            want, have = np.where(same, 0, want), np.where(same, 0, have)
        if not self._places:
            self._sums = np.zeros((4, len(want)))
            self._peaks, self._errors = np.zeros(len(want)), np.zeros(len(want))
            self._places = [''] * len(want)
        error = have - want
        self._sums += [np.einsum('ij,ij->i', first, second, dtype=np.float64)
                       for first, second in ((want, want), (have, have), (want, have),
                                             (error, error))]
        np.abs(error, out=error)
        self._peaks = np.maximum(self._peaks, np.abs(want).max(1, initial=0))
        worst = error.max(1, initial=0)
        for channel in np.flatnonzero(worst > self._errors).tolist():
            self._places[channel] = f'{sample}, channel {channel}, value ' \
                f'{int(error[channel].argmax())}'
        self._errors = np.maximum(self._errors, worst)

    def errors(self) -> list[TensorError]:
        """Return the errors of each group of channels; empty without samples."""
        if not len(self._peaks):
            return []
        magnitudes = np.sqrt(self._sums[0])
        order = np.argsort(-magnitudes, kind='stable')
        ends = np.flatnonzero(magnitudes[order][:-1] > _GROUP_GAP * np.maximum(
            magnitudes[order][1:], _SMALLEST)) + 1
        groups = [group for group in np.split(order, ends) if magnitudes[group].max() > _SMALLEST]
        return [self._error(group, len(groups) > 1) for group in groups]

    def _error(self, group: NDArray[np.intp], is_part: bool) -> TensorError:
        want, have, both, error = self._sums[:, group].sum(1).tolist()
        worst = int(group[self._errors[group].argmax()])
        listed = sorted(group.tolist())
        span = f'{listed[0]}' if len(listed) == 1 else f'{listed[0]} to {listed[-1]}'
        return TensorError(
            f'{self.name}, channels {span}' if is_part else self.name,
            float(np.sqrt(error / want)), both / max(float(np.sqrt(want * have)), _SMALLEST),
            both / want, float(self._errors[worst]), self._places[worst],
            float(self._peaks[group].max()))


def tensor_verdict(comparisons: Iterable[TensorComparison], limits: Limits,
                   weak_below: float = 0.0) -> Verdict:
    """
    Return the errors of tensors, and those that exceed the limits.

    :param comparisons: the tensors, after all samples.
    :param limits: the allowed differences.
    :param weak_below: groups whose values stay below this are scores of things that are not
        there; rounding changes them more, so their limits are three times as wide.
    """
    verdict = Verdict()
    worst = 0.0
    for comparison in comparisons:
        for error in comparison.errors():
            wider = 3.0 if error.peak < weak_below else 1.0
            verdict.measured[error.name] = {
                'relative_l2': rounded(error.relative_l2), 'cosine': round(error.cosine, 7),
                'gain': round(error.gain, 6), 'max_error': rounded(error.max_error),
                'at': error.place}
            worst = max(worst, error.relative_l2)
            where = f'the raw tensor {error.name}'
            if not error.relative_l2 <= wider * limits.tensor:
                verdict.problems.append(
                    f'{where} differs by {error.relative_l2:.4g} (relative L2), allowed '
                    f'{wider * limits.tensor:.4g}, most at {error.place}')
            elif not abs(error.gain - 1) <= wider * limits.tensor_gain:
                verdict.problems.append(
                    f'{where} is {error.gain:.4g} times its reference, allowed is a difference of '
                    f'{wider * limits.tensor_gain:.4g}')
    verdict.measured['relative_l2'] = rounded(worst)
    return verdict


def _by_channel(values: NDArray[Any]) -> NDArray[np.float32]:
    """Return values as float32 (channels, n); the shorter axis of [1, n, m] has the channels."""
    wide = np.asarray(values, np.float32)
    if wide.ndim < 2 or wide.shape[0] != 1:
        return wide.reshape(1, -1)
    single = wide[0]
    if single.ndim == 2 and single.shape[0] > single.shape[1]:
        single = single.T
    return np.ascontiguousarray(single.reshape(len(single), -1))
