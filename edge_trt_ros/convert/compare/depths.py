# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare depths, pixel by pixel, by their relative error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.verdict import common, high, Verdict
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks.depth import DepthMap
from edge_trt_ros.vision.thresholds import Thresholds

# Relative depths reach 0, where every error would be infinite: they count from this part of the
# range on.
_FLOOR = 0.01
# A map whose values all lie within this part of their median shows nothing.
_FLAT = 0.01


def relative_errors(expected: DepthMap, actual: DepthMap) -> NDArray[np.float64]:
    """
    Return the relative errors of the pixels that have a depth on both sides.

    :param expected: the reference.
    :param actual: the map to judge.
    """
    wanted, found = (side.values.astype(np.float64) for side in (expected, actual))
    both = np.isfinite(wanted) & np.isfinite(found)
    wanted, found = wanted[both], found[both]
    if not wanted.size:
        return np.ones(1)
    floor = 0.0 if expected.is_metric else _FLOOR * float(np.ptp(wanted))
    errors: NDArray[np.float64] = (found - wanted) / np.maximum(np.abs(wanted), max(floor, 1e-12))
    return errors


class DepthComparison:
    """
    Compares the depth of each pixel.

    :param limits: the allowed differences.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._worst = self._gain = self._moved = self._without = 0.0
        self._seen = 0

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """Return thresholds; a depth map needs none."""
        return Thresholds()

    def add(self, expected: DepthMap, actual: DepthMap, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """Compare the results of one sample; see `Comparison.add`."""
        errors = relative_errors(expected, actual)
        self._worst = max(self._worst, high(errors))
        self._gain = max(self._gain, common(errors))
        known = np.isfinite(expected.values)
        self._moved = max(self._moved, float(np.mean(known != np.isfinite(actual.values))))
        self._without = max(self._without, 1 - float(expected.letterbox.shown(known).mean()))
        values = expected.values[known]
        if shows_content and np.ptp(values) > _FLAT * abs(float(np.median(values))):
            self._seen += 1

    def verdict(self) -> Verdict:
        """Return the measured differences, and those that exceed the limits."""
        verdict, limits = Verdict(seen=self._seen), self._limits
        verdict.check('depth_error', self._worst, limits.tensor,
                      'the relative error of the depth is')
        verdict.check('depth_gain', self._gain, limits.tensor_gain,
                      'all depths change by a share of')
        verdict.check('depth_pixels_off', self._moved, max(limits.lost, limits.tensor),
                      'the share of pixels with a depth on one side only is')
        without = f', {self._without:.1%} without depth' if self._without else ''
        verdict.agreement = f'depths within {self._worst:.2g} (relative){without}'
        return verdict
