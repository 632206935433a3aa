"""Image messages to frames and back: views of their bytes, or a clear refusal."""

from __future__ import annotations

import array
import importlib.util

import cv2
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edge_trt_ros.errors import ImageError
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.vision.pixel_encodings import pixel_encoding, PIXEL_ENCODINGS, pixels_from_bytes

MAX_SIDE = 16384


def frame_from_image(message: Image, source: str = '') -> Frame:
    """
    View an image message as a frame; no byte is copied.

    :param message: the message; the frame keeps its bytes alive.
    :param source: the topic, for messages to people.
    :raises ImageError: if size, step, data and encoding do not agree.
    """
    width, height, name = message.width, message.height, message.encoding
    _check_size(width, height, source)
    if name not in PIXEL_ENCODINGS:
        return _frame_through_cv_bridge(message, source)
    encoding = pixel_encoding(name)
    if encoding.channels > 1 and message.is_bigendian not in (0, 1):
        raise ImageError(f'image on {source}: is_bigendian is {message.is_bigendian}, '
                         'expected 0 or 1')
    pixels = pixels_from_bytes(np.frombuffer(message.data, np.uint8), name, (width, height),
                               message.step, source)
    return _frame(pixels, name, (width, height), message.header, source)


def frame_from_compressed(message: CompressedImage, source: str = '') -> Frame:
    """
    Decode a JPEG or PNG message to a bgr8 frame.

    :param message: the message.
    :param source: the topic, for messages to people.
    :raises ImageError: if it cannot be decoded.
    """
    data = np.frombuffer(message.data, np.uint8)
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ImageError(f"compressed image on {source}: {data.size} bytes of '{message.format}' "
                         'cannot be decoded, expected JPEG or PNG')
    height, width = pixels.shape[:2]
    return _frame(pixels, 'bgr8', (width, height), message.header, source)


def image_message(pixels: NDArray[np.uint8], header: Header, encoding: str = 'bgr8') -> Image:
    """
    Return an image message with a copy of the pixels.

    :param pixels: uint8, (height, width) or (height, width, channels), contiguous.
    :param header: the header to carry.
    :param encoding: what the pixels are.
    """
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding,
                    step=pixels.nbytes // height)
    # The fastest way in: 0.07 ms for 2.7 MB, where assigning an array takes 160.
    data = array.array('B')
    data.frombytes(pixels.data.cast('B'))
    message.data = data
    return message


def _frame_through_cv_bridge(message: Image, source: str) -> Frame:
    known = ', '.join(PIXEL_ENCODINGS)
    if importlib.util.find_spec('cv_bridge') is None:
        raise ImageError(f"image on {source}: encoding '{message.encoding}' is not one of "
                         f'{known}, and cv_bridge is not installed to convert it: '
                         'sudo apt install ros-$ROS_DISTRO-cv-bridge')
    from cv_bridge import CvBridge
    try:
        pixels = np.ascontiguousarray(CvBridge().imgmsg_to_cv2(message, 'bgr8'))
    except Exception as error:  # cv_bridge lets KeyError, TypeError and cv2.error through
        raise ImageError(f"image on {source}: encoding '{message.encoding}' is not one of "
                         f'{known}, and cv_bridge cannot convert it ({error})') from error
    return _frame(pixels, 'bgr8', (message.width, message.height), message.header, source)


def _check_size(width: int, height: int, source: str) -> None:
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise ImageError(f'image on {source} has size {width}x{height}, expected 1 to {MAX_SIDE} '
                         'on each side')


def _frame(pixels: np.ndarray, encoding: str, size_wh: tuple[int, int], header: Header,
           source: str) -> Frame:
    stamp_ns = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
    return Frame(pixels, encoding, size_wh, stamp_ns, header.frame_id, source)
