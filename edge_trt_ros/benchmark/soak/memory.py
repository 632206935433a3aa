# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The resident memory of a process over time, and how much it grows."""

from __future__ import annotations

from typing import Any

import numpy as np

# Of the duration: caches and malloc's arenas fill.
WARM_UP = 0.2
_PERIOD_S, _CURVE_POINTS, _LEAST_SAMPLES = 1.0, 100, 10


class MemoryCurve:
    """Keeps one value a second."""

    def __init__(self) -> None:
        self._samples: list[tuple[float, float]] = []

    def note(self, second: float, rss_mb: float | None) -> None:
        """
        Note a value.

        :param second: seconds since the start.
        :param rss_mb: resident memory; None if it is unknown yet.
        """
        last = self._samples[-1][0] if self._samples else -_PERIOD_S
        if rss_mb is not None and second - last >= _PERIOD_S:
            self._samples.append((second, rss_mb))

    def figures(self) -> dict[str, Any]:
        """
        Return the curve, and the growth after the warm-up.

        The growth is that of a line through all values, in percent of their median.
        """
        figures: dict[str, Any] = {}
        if self._samples:
            figures = {'rss_mb': round(self._samples[-1][1], 1), 'rss_curve_mb': [
                [round(second, 1), round(value, 1)] for second, value in
                self._samples[::max(1, len(self._samples) // _CURVE_POINTS)]]}
        end = self._samples[-1][0] if self._samples else 0.0
        after = np.array([sample for sample in self._samples if sample[0] > WARM_UP * end])
        if len(after) >= _LEAST_SAMPLES:
            seconds, rss_mb = after.T
            slope = float(np.polyfit(seconds, rss_mb, 1)[0])
            figures['rss_growth_percent'] = round(
                100 * slope * float(seconds[-1] - seconds[0]) / float(np.median(rss_mb)), 2)
        return figures
