# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Refuse calibration images that show nothing: black frames, and noise.

The ranges that int8 takes from them fit no image of a robot. Some networks tolerate that on a few
samples, so the images themselves are looked at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.precision.calibration import CalibrationSet
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.runtime.samples import Frame

# Neighbours in images of cameras correlate by 0.8 and more; a lens and a sensor see to that.
_MIN_CORRELATION, _MIN_DEVIATION = 0.3, 2.0
_LOOKED_AT = 16
# In other encodings neighbouring bytes are different things.
_PLAIN = ('bgr8', 'rgb8', 'bgra8', 'rgba8', 'mono8', '8UC1', '8UC3')


def check_content(images: CalibrationSet) -> None:
    """
    Check that most calibration images show something.

    :raises ConfigurationError: if half of them or more are of one colour, or noise.
    """
    seen = [_problem(frame) for index, frame in enumerate(images.frames())
            if index % max(1, len(images) // _LOOKED_AT) == 0]
    empty = [problem for problem in seen if problem]
    if 2 * len(empty) >= len(seen):
        raise ConfigurationError(
            f'{len(empty)} of {len(seen)} calibration images in {images.path} show nothing '
            f'({empty[0]}): give images that the robot sees at work',
            code='calibration_shows_nothing')


def _problem(frame: Frame) -> str:
    """Return what is wrong with an image; '' if it shows something."""
    if frame.encoding not in _PLAIN:
        return ''
    pixels = np.asarray(frame.pixels, np.float32)
    gray = pixels.mean(2) if pixels.ndim == 3 else pixels
    if gray.std() < _MIN_DEVIATION:
        return f'all pixels are about {gray.mean():.0f}'
    if max(_correlation(gray[:, 1:], gray[:, :-1]), _correlation(gray[1:], gray[:-1])) \
            < _MIN_CORRELATION:
        return 'neighbouring pixels have nothing in common, as in noise'
    return ''


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    if min(first.size, first.std(), second.std()) == 0:
        return 0.0
    return float(np.mean((first - first.mean()) * (second - second.mean()))
                 / (first.std() * second.std()))
