# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Simulates many robots on a server, from the rate of answers that was measured on one."""

from __future__ import annotations

from dataclasses import dataclass
import heapq
from itertools import count

import numpy as np

from edge_trt_ros.percentiles import percentiles

# Requests of a robot that are on their way at the same time, as of the node.
_IN_FLIGHT = 2


@dataclass(frozen=True)
class SimulatedFleet:
    """
    What a simulation gave.

    :param robots: number of robots.
    :param engines: number of engines that answer side by side.
    :param busy: fraction of the time in which an engine works.
    :param dropped: fraction of the images that are not sent, since two are on their way.
    :param p50_ms: median time in the queue and the engine; without network and preprocessing.
    :param p99_ms: 99th percentile of it.
    """

    robots: int
    engines: int
    busy: float
    dropped: float
    p50_ms: float
    p99_ms: float


def simulate_fleet(robots: int, rate_hz: float, answers_hz: float, engines: int,
                   seconds: float = 10.0, seed: int = 0) -> SimulatedFleet:
    """
    Simulate robots whose images wait in one queue for several engines.

    :param robots: number of robots; each sends at its rate, from a random moment on.
    :param rate_hz: images per second of each robot.
    :param answers_hz: most answers per second of one engine.
    :param engines: number of engines.
    :param seconds: simulated time.
    :param seed: seed of the random moments.
    """
    work_s, period_s = 1 / answers_hz, 1 / rate_hz
    moments, order = np.random.default_rng(seed).uniform(0, period_s, robots), count()
    arrivals = [(float(moment), next(order), robot) for robot, moment in enumerate(moments)]
    heapq.heapify(arrivals)
    free_at = [0.0] * engines
    ends: list[list[float]] = [[] for _ in range(robots)]
    times_s, sent, dropped = [], 0, 0
    while arrivals[0][0] < seconds:
        now, _, robot = heapq.heappop(arrivals)
        heapq.heappush(arrivals, (now + period_s, next(order), robot))
        ends[robot] = [end for end in ends[robot] if end > now]
        if len(ends[robot]) >= _IN_FLIGHT:
            dropped += 1
            continue
        end = max(now, heapq.heappop(free_at)) + work_s
        heapq.heappush(free_at, end)
        ends[robot].append(end)
        times_s.append(end - now)
        sent += 1
    p50, p99 = percentiles(np.multiply(times_s, 1e3), (50, 99))
    return SimulatedFleet(robots, engines, min(1.0, sent * work_s / seconds / engines),
                          dropped / max(1, sent + dropped), p50, p99)
