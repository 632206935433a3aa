# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Rolling statistics of a stream: percentiles of each stage, rates, drops."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from time import monotonic_ns

from edge_trt_ros.percentiles import percentiles
from edge_trt_ros.ros.inference.losses import TransportLosses

PERCENTILES = (50, 95, 99)
_RECENT = 30


class StreamFigures:
    """
    Counts of all frames of a stream, and durations and rates of the latest frames.

    Rates are measured on the steady clock: the node's clock may stand or jump.

    :param window: number of latest frames over which percentiles are computed.
    """

    def __init__(self, window: int = 600) -> None:
        self._window = window
        self._stages: dict[str, deque[float]] = {}
        self._arrivals_ns: deque[int] = deque(maxlen=window)
        self._results_ns: deque[int] = deque(maxlen=window)
        self._reported: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.losses = TransportLosses()
        self.last_age_ms = 0.0
        self._next_due_ns = 0
        self._started_ns = monotonic_ns()

    def arrived(self, number: int | None = None) -> None:
        """
        Count a received message.

        :param number: its sequence number, if the middleware gives one.
        """
        self.counts['received'] += 1
        self._arrivals_ns.append(monotonic_ns())
        self.losses.arrived(number)

    def is_due(self, max_rate_hz: float) -> bool:
        """
        Return whether a rate limit lets the current message pass; count it if not.

        :param max_rate_hz: maximum number of messages per second; 0 sets no limit.
        """
        if not max_rate_hz:
            return True
        now_ns = monotonic_ns()
        if now_ns < self._next_due_ns:
            self.counts['dropped_for_rate'] += 1
            return False
        # From the due time and not from now, or a camera at 30 Hz would be limited from 20 Hz
        # to 15 Hz.
        period_ns = round(1e9 / max_rate_hz)
        since = self._next_due_ns if now_ns - self._next_due_ns < period_ns else now_ns
        self._next_due_ns = since + period_ns
        return True

    def too_old(self, age_ms: float) -> None:
        """
        Count a frame that was dropped for its age.

        :param age_ms: its age in milliseconds.
        """
        self.counts['dropped_for_age'] += 1
        self.last_age_ms = age_ms

    def finished(self, stage_times_ms: Mapping[str, float]) -> None:
        """
        Count a frame whose results were published.

        :param stage_times_ms: duration of each stage in milliseconds.
        """
        self.counts['published'] += 1
        self._results_ns.append(monotonic_ns())
        for stage, duration_ms in stage_times_ms.items():
            self._stages.setdefault(stage, deque(maxlen=self._window)).append(duration_ms)

    def since_last_report(self) -> Counter[str]:
        """Return the counts since the previous call of this function."""
        self.counts['lost_in_transport'] += self.losses.taken()
        now = Counter(dict(self.counts))
        since, self._reported = now - self._reported, now
        return since

    def rates_hz(self) -> dict[str, float]:
        """Return images and results per second over the last five seconds."""
        return {'image_rate_hz': _rate_hz(self._arrivals_ns),
                'detection_rate_hz': _rate_hz(self._results_ns)}

    def silent_s(self) -> float:
        """Return the seconds since the last message; before the first one since the start."""
        since_ns = self._arrivals_ns[-1] if self._arrivals_ns else self._started_ns
        return (monotonic_ns() - since_ns) / 1e9

    def recent_ms(self, stage: str) -> float:
        """Return the median duration of a stage over the latest frames; 0 without frames."""
        recent = sorted(tuple(self._stages.get(stage, ()))[-_RECENT:])
        return recent[len(recent) // 2] if recent else 0.0

    def percentiles_ms(self) -> dict[str, list[float]]:
        """Return p50, p95 and p99 in milliseconds for each stage."""
        return {stage: percentiles(tuple(times), PERCENTILES)
                for stage, times in list(self._stages.items())}


def _rate_hz(times_ns: deque[int], span_s: float = 5.0) -> float:
    now_ns = monotonic_ns()
    times = [time for time in tuple(times_ns) if now_ns - time < span_s * 1e9]
    return (len(times) - 1) / ((times[-1] - times[0]) / 1e9) if len(times) > 1 \
        and times[-1] > times[0] else 0.0
