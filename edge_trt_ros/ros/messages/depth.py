# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Validates depth images and camera_info messages and converts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import MAX_SIDE_PX
from edge_trt_ros.vision.space import Pinhole

# Encoding: NumPy type, and the depth unit in metres (REP 118).
_ENCODINGS = {'16UC1': ('u2', 0.001), 'mono16': ('u2', 0.001), '32FC1': ('f4', 1.0)}


def depth_from_image(message: Image, source: str) -> tuple[NDArray[Any], float]:
    """
    Return a depth image as an array; no byte is copied.

    :param message: the message; the array keeps its bytes alive.
    :param source: the topic, for error messages.
    :returns: uint16 or float32 (height, width), and the depth unit in metres.
    :raises ImageError: if size, step, data and encoding are inconsistent.
    """
    width, height, name = message.width, message.height, message.encoding
    if name not in _ENCODINGS:
        raise ImageError(f"depth on {source}: encoding '{name}' is not one of "
                         f"{', '.join(_ENCODINGS)}: is it a colour or disparity image?")
    if not (0 < width <= MAX_SIDE_PX and 0 < height <= MAX_SIDE_PX):
        raise ImageError(f'depth on {source} has size {width}x{height}, expected 1 to '
                         f'{MAX_SIDE_PX} on each side')
    kind, unit_m = _ENCODINGS[name]
    dtype = np.dtype(('>' if message.is_bigendian else '<') + kind)
    data = np.frombuffer(message.data, np.uint8)
    needed = message.step * (height - 1) + width * dtype.itemsize
    if message.step < width * dtype.itemsize or data.size < needed:
        raise ImageError(f'depth on {source}: step {message.step} and {data.size} bytes do not '
                         f'hold {width}x{height} of {name}: correct the publisher')
    return np.ndarray((height, width), dtype, data, strides=(message.step, dtype.itemsize)), unit_m


def camera_from_info(message: CameraInfo, source: str) -> Pinhole:
    """
    Return the pinhole model of a camera.

    :param message: its camera_info, with region of interest and binning; distortion is ignored.
    :param source: the topic, for error messages.
    :raises ImageError: if the camera is not calibrated.
    """
    # P belongs to the rectified image, to which depth is registered; some drivers set only K.
    matrix = message.p if message.p[0] > 0 else (*message.k[:3], 0.0, *message.k[3:6], 0.0)
    if not (matrix[0] > 0 and matrix[5] > 0 and np.isfinite(np.asarray(matrix[:8])).all()):
        raise ImageError(f'{source} has no focal length: calibrate the camera, or let its driver '
                         'load the calibration')
    # The matrix describes the full sensor; the image is a region of it, with pixels combined.
    region, binning = message.roi, (max(message.binning_x, 1), max(message.binning_y, 1))
    size_wh = (region.width or message.width, region.height or message.height)
    return Pinhole(
        (size_wh[0] // binning[0], size_wh[1] // binning[1]),
        (matrix[0] / binning[0], matrix[5] / binning[1]),
        ((matrix[2] - region.x_offset) / binning[0], (matrix[6] - region.y_offset) / binning[1]))
