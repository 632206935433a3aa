# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs the demo for a long time and measures the memory of the detector."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import numpy as np
import psutil

from edge_trt_ros.demo.nodes.processes import DemoNodes
from edge_trt_ros.errors import EngineError

WARM_UP_S = 30.0
_CURVE_POINTS = 100


def soak(seconds: float,
         progress: Callable[[str, float], None] = lambda phase, fraction: None) -> dict[str, Any]:
    """
    Run the demo and fit a line to the resident memory of the inference node.

    :param seconds: duration after 30 s of warm-up.
    :param progress: called with a phase and the fraction of it that is done.
    :returns: rss_mb at the end, rss_slope_mb_per_min, and rss_curve_mb: at most 200 pairs of
        seconds and megabytes.
    :raises EngineError: if the demo ends before the warm-up does.
    """
    samples: list[tuple[float, float]] = []
    with TemporaryDirectory() as folder, DemoNodes(Path(folder), WARM_UP_S + seconds) as nodes:
        detector = psutil.Process(nodes.detector.pid)
        started = monotonic()
        while nodes.scoreboard.poll() is None:
            elapsed = monotonic() - started
            progress('memory', min(elapsed / (WARM_UP_S + seconds), 1.0))
            if WARM_UP_S < elapsed < WARM_UP_S + seconds:
                samples.append((elapsed / 60, detector.memory_info().rss / 1e6))
            sleep(1.0)
        status = nodes.scoreboard.returncode
    if len(samples) < 2:
        raise EngineError(f'the demo ended during the warm-up with exit status {status}')
    minutes, rss_mb = np.array(samples).T
    return {'seconds': seconds, 'demo_exit_status': status, 'rss_mb': round(float(rss_mb[-1]), 1),
            'rss_slope_mb_per_min': round(float(np.polyfit(minutes, rss_mb, 1)[0]), 3),
            'rss_curve_mb': [[round(60 * minute, 1), round(value, 1)] for minute, value in
                             samples[::max(1, len(samples) // _CURVE_POINTS)]]}
