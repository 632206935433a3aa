# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Rolling statistics of a stream: percentiles of each stage, rates, drops."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

import numpy as np

from edge_trt_ros.percentiles import percentiles

PERCENTILES = (50, 95, 99)


class StreamFigures:
    """
    Counts of all frames of a stream, and durations and rates of the latest frames.

    :param window: number of latest frames over which percentiles are computed.
    """

    def __init__(self, window: int = 600) -> None:
        self._window = window
        self._stages: dict[str, deque[float]] = {}
        self._arrivals_ns: deque[int] = deque(maxlen=window)
        self._results_ns: deque[int] = deque(maxlen=window)
        self._stamp_gaps_ns: deque[int] = deque(maxlen=60)
        self._last_stamp_ns = 0
        self.counts: Counter[str] = Counter()

    def arrived(self, now_ns: int, stamp_ns: int) -> None:
        """
        Count a received message.

        :param now_ns: time of arrival on the node's clock.
        :param stamp_ns: its stamp on the publisher's clock.
        """
        self.counts['received'] += 1
        self._arrivals_ns.append(now_ns)
        if 0 < self._last_stamp_ns < stamp_ns:
            gap_ns = stamp_ns - self._last_stamp_ns
            self._stamp_gaps_ns.append(gap_ns)
            # A gap of twice the median means that the transport lost a frame.
            median_ns = float(np.median(self._stamp_gaps_ns))
            if len(self._stamp_gaps_ns) > 10 and gap_ns > 1.5 * median_ns:
                self.counts['lost_in_transport'] += round(gap_ns / median_ns) - 1
        self._last_stamp_ns = stamp_ns

    def finished(self, now_ns: int, stage_times_ms: Mapping[str, float]) -> None:
        """
        Count a frame whose results were published.

        :param now_ns: time of publication on the node's clock.
        :param stage_times_ms: duration of each stage in milliseconds.
        """
        self.counts['published'] += 1
        self._results_ns.append(now_ns)
        for stage, duration_ms in stage_times_ms.items():
            self._stages.setdefault(stage, deque(maxlen=self._window)).append(duration_ms)

    def rates_hz(self, now_ns: int) -> dict[str, float]:
        """Return images and results per second over the last five seconds."""
        return {'image_rate_hz': _rate_hz(self._arrivals_ns, now_ns),
                'detection_rate_hz': _rate_hz(self._results_ns, now_ns)}

    def percentiles_ms(self) -> dict[str, list[float]]:
        """Return p50, p95 and p99 in milliseconds for each stage."""
        return {stage: percentiles(tuple(times), PERCENTILES)
                for stage, times in list(self._stages.items())}


def _rate_hz(times_ns: deque[int], now_ns: int, span_s: float = 5.0) -> float:
    times = [time for time in tuple(times_ns) if now_ns - time < span_s * 1e9]
    return (len(times) - 1) / ((times[-1] - times[0]) / 1e9) if len(times) > 1 \
        and times[-1] > times[0] else 0.0
