# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Sensor noise of the synthetic camera."""

from __future__ import annotations

from functools import lru_cache
import math

import cv2
import numpy as np
from numpy.typing import NDArray


class Noise:
    """
    Sensor noise: one fixed pattern, shifted by the number of the frame.

    :param size_wh: width and height of the frames.
    :param sigma: standard deviation in grey levels.
    """

    def __init__(self, size_wh: tuple[int, int], sigma: float) -> None:
        self._size_wh = size_wh
        field = _unit_noise((size_wh[0] + 64, size_wh[1] + 64)).astype(np.float32) * (sigma / 40)
        self._plus = np.clip(field, 0, 255).round().astype(np.uint8)
        self._minus = np.clip(-field, 0, 255).round().astype(np.uint8)

    def add(self, image: NDArray[np.uint8], number: int) -> None:
        """Add the noise of one frame in place."""
        width, height = self._size_wh
        x, y = number * 29 % 64, number * 47 % 64
        cv2.add(image, self._plus[y:y + height, x:x + width], dst=image)
        cv2.subtract(image, self._minus[y:y + height, x:x + width], dst=image)


@lru_cache(maxsize=2)
def _unit_noise(size_wh: tuple[int, int]) -> NDArray[np.int8]:
    """Return noise with a standard deviation of 40, the same in every process."""
    rng = np.random.default_rng(20)
    grain = rng.standard_normal((size_wh[1], size_wh[0], 3), np.float32)
    grain = 0.7 * grain + 0.7 * grain.mean(axis=2, keepdims=True) * math.sqrt(3)
    return np.asarray(np.clip(grain * 40, -127, 127), np.int8)
