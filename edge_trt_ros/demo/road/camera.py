# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Project points of the world into the image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Nearer points are projected as if they were this far away, so that none is behind the camera. A
# line along the road still projects onto the same line.
NEAR_M = 0.9
_FAR_PIXEL = 6000.0


@dataclass(frozen=True)
class Camera:
    """
    A pinhole that looks along +z, level with the road.

    :param size_wh: width and height of the image in pixels.
    :param focal_px: focal length in pixels.
    :param center_xy: the vanishing point of the road in pixels.
    :param height_m: height above the road in metres.
    """

    size_wh: tuple[int, int]
    focal_px: float
    center_xy: tuple[float, float]
    height_m: float

    def project(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float32],
                                                            NDArray[np.float32]]:
        """
        Project points of the world.

        :param points: float32 (n, 3), metres.
        :returns: float32 (n, 2) pixels, and float32 (n,) pixels per metre at each point.
        """
        scale = np.asarray(self.focal_px / np.maximum(points[:, 2], NEAR_M), np.float32)
        pixels = np.empty((len(points), 2), np.float32)
        pixels[:, 0] = self.center_xy[0] + points[:, 0] * scale
        pixels[:, 1] = self.center_xy[1] + (self.height_m - points[:, 1]) * scale
        return np.clip(pixels, -_FAR_PIXEL, _FAR_PIXEL, out=pixels), scale
