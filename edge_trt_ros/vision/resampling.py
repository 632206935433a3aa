# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Resize an image as Pillow does: each pixel is the weighted mean of all source pixels it covers.

Trainers of classifiers resize with Pillow or torchvision, which filter a smaller image. OpenCV
reads four source pixels only: of a camera's images, a third got the same best five classes. The
result equals Pillow's in every byte where Pillow filters the columns first, as for most sizes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Fractional bits of a weight.
_BITS = 22


def resampled(image: NDArray[np.uint8], size_wh: tuple[int, int], start_xy: tuple[int, int],
              window_wh: tuple[int, int], cubic: bool = False) -> NDArray[np.uint8]:
    """
    Return a window of a resized image.

    :param image: uint8 (H, W) or (H, W, channels); not modified.
    :param size_wh: size to which the image is resized.
    :param start_xy: left and top of the window in the resized image.
    :param window_wh: size of the window; it is inside of the resized image.
    :param cubic: whether the filter is bicubic; otherwise it is bilinear.
    """
    (height, width), channels = image.shape[:2], image.shape[2:]
    across, columns = _taps(width, size_wh[0], start_xy[0], window_wh[0], cubic)
    down, rows = _taps(height, size_wh[1], start_xy[1], window_wh[1], cubic)
    # Only what the window shows; rows are contiguous, so both passes combine rows.
    left, right = int(across.min()), int(across.max()) + 1
    top, bottom = int(down.min()), int(down.max()) + 1
    turned = cv2.transpose(np.ascontiguousarray(image[top:bottom, left:right]))
    narrow = cv2.transpose(_combined(turned, across - left, columns))
    return _combined(narrow, down - top, rows).reshape(window_wh[1], window_wh[0], *channels)


def _combined(image: NDArray[Any], places: NDArray[np.intp], weights: NDArray[np.int32]
              ) -> NDArray[np.uint8]:
    """Return the weighted sum of rows of an image, for each row of `places` (n, taps)."""
    total = np.full((len(places), *image.shape[1:]), 1 << (_BITS - 1), np.int32)
    shape = (-1, *[1] * (image.ndim - 1))
    for tap in range(places.shape[1]):
        total += np.multiply(image[places[:, tap]], weights[:, tap].reshape(shape), dtype=np.int32)
    total >>= _BITS
    return np.clip(total, 0, 255).astype(np.uint8)


@lru_cache(maxsize=32)
def _taps(source: int, target: int, start: int, count: int, cubic: bool
          ) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Return for each target pixel the places of its source pixels and their weights."""
    step = source / target
    stretch = max(step, 1.0)
    reach = stretch * (2 if cubic else 1)
    centres = (np.arange(start, start + count) + 0.5) * step
    first = np.maximum((centres - reach + 0.5).astype(np.intp), 0)
    last = np.minimum((centres + reach + 0.5).astype(np.intp), source)
    places = first[:, None] + np.arange(int((last - first).max()))
    distances = np.abs((places + 0.5 - centres[:, None]) / stretch)
    weights = (_cubic if cubic else _linear)(distances)
    weights[places >= last[:, None]] = 0
    weights /= weights.sum(1, keepdims=True)
    scaled = weights * (1 << _BITS)
    return (np.minimum(places, source - 1),
            np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int32))


def _linear(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(1 - distances, 0)


def _cubic(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    near = (1.5 * distances - 2.5) * distances ** 2 + 1
    far = ((-0.5 * distances + 2.5) * distances - 4) * distances + 2
    return np.where(distances < 1, near, np.where(distances < 2, far, 0))
