# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Oriented boxes: their corners and their overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_TINY = 1e-7
# Signs of the half length and the half width, clockwise from the first corner.
_CORNER_SIGNS = ((-1, -1), (1, -1), (1, 1), (-1, 1))


def oriented_corners(boxes_xyxy: Floats, angles_rad: Floats) -> Floats:
    """
    Return the four corners of oriented boxes.

    :param boxes_xyxy: float32 (n, 4), the boxes before rotation about their centres.
    :param angles_rad: float32 (n,), from the x axis towards the y axis: clockwise in an image.
    :returns: float32 (n, 4, 2), in the same pixels.
    """
    centres = (boxes_xyxy[:, None, :2] + boxes_xyxy[:, None, 2:]) / 2
    along, across = ((boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]) / 2).T[:, :, None]
    cos, sin = np.cos(angles_rad)[:, None], np.sin(angles_rad)[:, None]
    along_xy = np.concatenate([along * cos, along * sin], 1)[:, None]
    across_xy = np.concatenate([-across * sin, across * cos], 1)[:, None]
    return np.concatenate([centres + along_xy * along_sign + across_xy * across_sign
                           for along_sign, across_sign in _CORNER_SIGNS], 1)


def oriented_iou(first: Floats, second: Floats) -> Floats:
    """
    Return the probabilistic IoU of oriented boxes: 1 for equal boxes, near 0 for distant ones.

    Each box is modelled as a normal distribution; the overlap is 1 minus the Hellinger distance
    of two distributions. Ultralytics uses it for NMS: arXiv 2106.06072, equations 2 to 5.

    :param first: float32 (m, 5): corners before rotation, angle in radians.
    :param second: float32 (n, 5), in the same pixels.
    :returns: float32 (m, n).
    """
    x_1, y_1, a_1, b_1, c_1 = (value[:, None] for value in _gaussians(first))
    x_2, y_2, a_2, b_2, c_2 = (value[None, :] for value in _gaussians(second))
    a, b, c = a_1 + a_2, b_1 + b_2, c_1 + c_2
    dx, dy = x_1 - x_2, y_1 - y_2
    det = a * b - c * c
    apart = (a * dy * dy + b * dx * dx - 2 * c * dx * dy) / (4 * (det + _TINY))
    dets = np.maximum(a_1 * b_1 - c_1 * c_1, 0) * np.maximum(a_2 * b_2 - c_2 * c_2, 0)
    unlike = np.log(det / (4 * np.sqrt(dets) + _TINY) + _TINY) / 2
    distance = np.clip(apart + unlike, _TINY, 100)
    return np.asarray(1 - np.sqrt(1 - np.exp(-distance) + _TINY), np.float32)


def _gaussians(boxes: Floats) -> tuple[NDArray[np.float64], ...]:
    """Return centre x, y and covariance xx, yy, xy of boxes with uniform density."""
    left, top, right, bottom, angle = boxes.astype(np.float64).T
    along, across = (right - left) ** 2 / 12, (bottom - top) ** 2 / 12
    cos, sin = np.cos(angle), np.sin(angle)
    return ((left + right) / 2, (top + bottom) / 2, along * cos * cos + across * sin * sin,
            along * sin * sin + across * cos * cos, (along - across) * cos * sin)
