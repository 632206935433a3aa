# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The images of all benchmarks, and percentiles of durations."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_trt_ros.demo.road.scene import Scene
from edge_trt_ros.percentiles import percentiles
from edge_trt_ros.runtime.samples import Frame

PERCENTS = (50, 95, 99)


def road_frames(size_wh: tuple[int, int]) -> list[Frame]:
    """Return 16 bgr8 frames of the synthetic road, the same each time."""
    scene = Scene(7)
    return [Frame(np.ascontiguousarray(cv2.resize(scene.frame(second).image, size_wh)), 'bgr8',
                  size_wh, source='synthetic road') for second in np.arange(0, 8, 0.5).tolist()]


def percentile_curve(values: Sequence[float]) -> list[float]:
    """Return the percentiles 0 to 100 in steps of 1, rounded to three decimals."""
    return [round(value, 3) for value in percentiles(values, range(101))]


def named_percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99, rounded to three decimals; zeros if there are no values."""
    return {f'p{percent}': round(value, 3)
            for percent, value in zip(PERCENTS, percentiles(values, PERCENTS))}
