# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts image messages to frames and back."""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edge_trt_ros.errors import ImageError, MissingLibraryError
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm, probe_header
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.frames import check_size, frame_from_message, framed
from edge_trt_ros.vision.pixel_encodings import PIXEL_ENCODINGS


def frame_from_image(message: Image, source: str = '') -> Frame:
    """
    Return an image message as a frame; no byte is copied.

    :param message: the message; the frame keeps its bytes alive.
    :param source: the topic, for error messages.
    :raises ImageError: if size, step, data and encoding are inconsistent.
    """
    if message.encoding in PIXEL_ENCODINGS:
        return frame_from_message(message, source)
    check_size((message.width, message.height), source)
    return _frame_through_cv_bridge(message, source)


def image_message(pixels: NDArray[np.uint8], header: Header, encoding: str = 'bgr8') -> Image:
    """
    Return an image message with a copy of the pixels.

    :param pixels: (height, width) or (height, width, channels), contiguous.
    :param header: header of the message.
    :param encoding: encoding of the pixels.
    """
    height, width = pixels.shape[:2]
    message = Image(header=header, height=height, width=width, encoding=encoding,
                    step=pixels.nbytes // height)
    # The fastest way: 0.07 ms for 2.7 MB; assigning a NumPy array takes 160 ms.
    data = array.array('B')
    data.frombytes(pixels.data.cast('B'))
    message.data = data
    return message


def image_cdr(pixels: NDArray[np.uint8], header: Header, encoding: str = 'bgr8') -> bytes:
    """Return an image as the bytes of a message; same arguments as `image_message`."""
    height, width = pixels.shape[:2]
    writer = CdrWriter()
    writer.header(header)
    writer.numbers('I', height, width)
    writer.text(encoding)
    writer.numbers('B', False)
    writer.numbers('I', pixels.nbytes // height)
    writer.sequence(pixels.reshape(-1).view(np.uint8))
    return writer.message()


def compressed_message(data: bytes, header: Header, encoding: str = 'jpeg') -> CompressedImage:
    """
    Return a compressed image as a message.

    :param data: the encoded image.
    :param header: header of the message.
    :param encoding: its format.
    """
    return CompressedImage(header=header, format=encoding, data=data)


def compressed_cdr(data: bytes, header: Header, encoding: str = 'jpeg') -> bytes:
    """Return a compressed image as bytes; same arguments as `compressed_message`."""
    writer = CdrWriter()
    writer.header(header)
    writer.text(encoding)
    writer.sequence(np.frombuffer(data, np.uint8))
    return writer.message()


COMPRESSED_IMAGE = MessageForm(CompressedImage, compressed_message, compressed_cdr, (
    b'12345', probe_header(), 'jpeg'))
IMAGE = MessageForm(Image, image_message, image_cdr, (
    np.arange(24, dtype=np.uint8).reshape(4, 2, 3), probe_header(), 'bgr8'))


def _frame_through_cv_bridge(message: Image, source: str) -> Frame:
    known = ', '.join(PIXEL_ENCODINGS)
    try:
        bridge = require('cv_bridge', 'its conversion').CvBridge()
    except MissingLibraryError as error:
        raise ImageError(f"image on {source}: encoding '{message.encoding}' is not one of "
                         f'{known}, and {error}', code=error.code) from error
    try:
        pixels = np.ascontiguousarray(bridge.imgmsg_to_cv2(message, 'bgr8'))
    except Exception as error:  # cv_bridge raises KeyError, TypeError and cv2.error as well
        raise ImageError(f"image on {source}: encoding '{message.encoding}' is not one of "
                         f'{known}, and cv_bridge cannot convert it ({error})') from error
    return framed(pixels, 'bgr8', (message.width, message.height), message.header, source)
