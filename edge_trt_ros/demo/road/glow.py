# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The halo of a lamp in the dark."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.demo.road.camera import Camera
from edge_trt_ros.demo.road.light import Bgr

_NEAREST_M, _SMALLEST_PX, _LARGEST_PX = 2.0, 3, 120


def add_glow(canvas: NDArray[np.uint8], camera: Camera, place: NDArray[np.float32],
             radius_m: float, bgr: Bgr) -> None:
    """
    Brighten a picture around a lamp.

    :param canvas: uint8 (height, width, 3) bgr, changed in place.
    :param camera: the camera.
    :param place: float32 (3,), position of the lamp in metres.
    :param radius_m: radius of the halo in metres.
    :param bgr: its colour.
    """
    if place[2] < _NEAREST_M:
        return
    pixels, scale = camera.project(place[None].astype(np.float32))
    radius = int(np.clip(radius_m * float(scale[0]), _SMALLEST_PX, _LARGEST_PX))
    x0, y0 = (int(value) - radius for value in pixels[0].tolist())
    left, top = max(x0, 0), max(y0, 0)
    right = min(x0 + 2 * radius, camera.size_wh[0])
    bottom = min(y0 + 2 * radius, camera.size_wh[1])
    if left >= right or top >= bottom:
        return
    halo = cv2.resize(_halo(), (2 * radius, 2 * radius))[top - y0:bottom - y0,
                                                         left - x0:right - x0]
    area = canvas[top:bottom, left:right]
    cv2.add(area, (halo[:, :, None] * np.array(bgr, np.float32)).astype(np.uint8), dst=area)


@lru_cache(maxsize=1)
def _halo() -> NDArray[np.float32]:
    """Return a round glow, 1 in the middle and 0 at its edge."""
    rows, columns = np.mgrid[:64, :64].astype(np.float32) / 31.5 - 1
    distance = np.clip(np.hypot(rows, columns), 0, 1)
    return np.asarray(0.75 * (1 - distance) ** 2.2 + 0.25 * (distance < 0.12), np.float32)
