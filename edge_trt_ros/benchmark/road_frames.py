"""The images that everything is measured with, and how figures are summed up."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_trt_ros.demo.road.scene import Scene
from edge_trt_ros.runtime.contract import Frame

PERCENTS = (50, 95, 99)


def road_frames(size_wh: tuple[int, int]) -> list[Frame]:
    """Return 16 bgr8 frames of the synthetic road, the same each time."""
    scene = Scene(7)
    return [Frame(np.ascontiguousarray(cv2.resize(scene.frame(second).image, size_wh)), 'bgr8',
                  size_wh, source='synthetic road') for second in np.arange(0, 8, 0.5).tolist()]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p95 and p99, to three decimals; zeros for no values."""
    return dict(zip((f'p{percent}' for percent in PERCENTS),
                    np.percentile(values or [0.0], PERCENTS).round(3).tolist()))
