# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Computes 3D boxes in the camera's frame from image boxes and a depth image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.percentiles import percentiles

# Depth is sampled in the inner half of a box: near its edges it shows the background.
_CENTRAL = 0.5
_MAX_SAMPLES_A_SIDE = 48
_MIN_SAMPLES, _MIN_SHARE = 5, 0.1
# Median absolute deviation (MAD) of a normal distribution to its standard deviation.
_MAD_TO_SIGMA = 1.4826
_OUTLIER_SIGMAS, _SMALLEST_SIGMA_M = 3.0, 0.01


@dataclass(frozen=True)
class Pinhole:
    """
    A rectified camera.

    :param size_wh: width and height of its image in pixels.
    :param focal_xy: focal lengths in pixels.
    :param center_xy: principal point in pixels.
    """

    size_wh: tuple[int, int]
    focal_xy: tuple[float, float]
    center_xy: tuple[float, float]


@dataclass(frozen=True)
class SpaceBox:
    """
    A 3D box in the camera's optical frame: x right, y down, z forward, metres.

    :param center_xyz: centre of the box.
    :param size_xyz: width and height from the image box; depth of the visible surface.
    :param sigma_m: standard deviation of the depth on the object.
    """

    center_xyz: tuple[float, float, float]
    size_xyz: tuple[float, float, float]
    sigma_m: float


def boxes_in_space(depth: NDArray[Any], unit_m: float, boxes_xyxy: Sequence[Sequence[float]],
                   camera: Pinhole, range_m: tuple[float, float]) -> list[SpaceBox | None]:
    """
    Compute a 3D box for each image box.

    :param depth: (height, width), z of each pixel, of the camera's size; not modified.
        0, NaN and infinity mean unknown.
    :param unit_m: metres per unit of `depth`.
    :param boxes_xyxy: boxes in the camera's pixels.
    :param camera: the camera.
    :param range_m: minimum and maximum valid depth in metres.
    :returns: for each box its 3D box, or None if too few pixels have a valid depth.
    """
    return [_box_in_space(depth, unit_m, box, camera, range_m) for box in boxes_xyxy]


def _box_in_space(depth: NDArray[Any], unit_m: float, box: Sequence[float], camera: Pinhole,
                  range_m: tuple[float, float]) -> SpaceBox | None:
    left, top, right, bottom = box
    samples = _central_part(depth, box).astype(np.float64) * unit_m
    with np.errstate(invalid='ignore'):
        known = samples[(samples >= range_m[0]) & (samples <= range_m[1])]
    if known.size < max(_MIN_SAMPLES, _MIN_SHARE * samples.size):
        return None
    middle = float(np.median(known))
    sigma = _sigma(known, middle)
    on_object = known[np.abs(known - middle) <= _OUTLIER_SIGMAS * max(sigma, _SMALLEST_SIGMA_M)]
    z = float(np.median(on_object))
    focal_x, focal_y = camera.focal_xy
    near, far = percentiles(on_object, (5, 95))
    return SpaceBox(
        (((left + right) / 2 - camera.center_xy[0]) * z / focal_x,
         ((top + bottom) / 2 - camera.center_xy[1]) * z / focal_y, z),
        ((right - left) * z / focal_x, (bottom - top) * z / focal_y, far - near),
        _sigma(on_object, z))


def _central_part(depth: NDArray[Any], box: Sequence[float]) -> NDArray[Any]:
    """Return at most `_MAX_SAMPLES_A_SIDE` squared evenly spaced depths from a box's centre."""
    parts = []
    for low, high, length in ((box[1], box[3], depth.shape[0]), (box[0], box[2], depth.shape[1])):
        middle, half = (low + high) / 2, (high - low) / 2 * _CENTRAL
        first = min(max(int(np.floor(middle - half)), 0), length - 1)
        last = min(max(int(np.ceil(middle + half)), first + 1), length)
        parts.append(slice(first, last, -(-(last - first) // _MAX_SAMPLES_A_SIDE)))
    return depth[parts[0], parts[1]].ravel()


def _sigma(values: NDArray[np.float64], middle: float) -> float:
    return _MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
