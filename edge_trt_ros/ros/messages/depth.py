"""Depth images and camera descriptions as arrays and numbers, or a clear refusal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import MAX_SIDE_PX
from edge_trt_ros.vision.space import Pinhole

# Encoding: NumPy's type and metres of a depth of 1 (REP 118).
_ENCODINGS = {'16UC1': ('u2', 0.001), 'mono16': ('u2', 0.001), '32FC1': ('f4', 1.0)}


def depth_from_image(message: Image, source: str) -> tuple[NDArray[Any], float]:
    """
    View a depth image; no byte is copied.

    :param message: the message, which the view keeps alive.
    :param source: the topic, for messages to people.
    :returns: (height, width) of uint16 or float32, and metres of a depth of 1.
    :raises ImageError: if size, step, data and encoding do not agree.
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
                         f'hold {width}x{height} of {name}: the publisher fills it in wrong')
    return np.ndarray((height, width), dtype, data, strides=(message.step, dtype.itemsize)), unit_m


def camera_from_info(message: CameraInfo, source: str) -> Pinhole:
    """
    Read a camera's description.

    :param message: of a rectified camera, or one whose distortion may be left aside.
    :param source: the topic, for messages to people.
    :raises ImageError: for one that is not calibrated.
    """
    # P is that of the rectified image, which depth is registered to; some drivers fill K alone.
    matrix = message.p if message.p[0] > 0 else (*message.k[:3], 0.0, *message.k[3:6], 0.0)
    if not (matrix[0] > 0 and matrix[5] > 0 and np.isfinite(np.asarray(matrix[:8])).all()):
        raise ImageError(f'{source} has no focal length: calibrate the camera, or let its driver '
                         'load the calibration')
    return Pinhole((message.width, message.height), (matrix[0], matrix[5]),
                   (matrix[2], matrix[6]))
