# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Reads an image message from the bytes that the middleware received.

A Python object of `sensor_msgs/Image` costs two more copies of the pixels.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from edge_trt_ros.errors import first_line, ImageError
from edge_trt_ros.ros.messages.cdr import ENCAPSULATION

_WORD = 4


class ReceivedImage(NamedTuple):
    """An image with the fields of `sensor_msgs/Image`; its pixels are part of the message."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


def received_image(message: bytes) -> ReceivedImage | Any:
    """
    Return a received image; no pixel is copied, unless its publisher uses another byte order.

    :param message: the message as it is sent (CDR).
    :returns: the image, or an `Image`.
    :raises ImageError: if the bytes are not an image message.
    """
    try:
        return _read(message)
    except (struct.error, ValueError):
        pass  # another encapsulation, or bytes that are no image: let the middleware decide
    try:
        return deserialize_message(message, Image)
    except Exception as error:  # the class of the error depends on the middleware
        raise ImageError(f'{len(message)} bytes are not an image message ({first_line(error)}): '
                         'correct the publisher') from error


def _read(message: bytes) -> ReceivedImage:
    if message[:2] != ENCAPSULATION[:2]:
        raise ValueError('not little endian')
    body, place = memoryview(message)[len(ENCAPSULATION):], 0

    def numbers(code: str) -> tuple[int, ...]:
        nonlocal place
        place += -place % struct.calcsize(code[-1])
        found = struct.unpack_from(f'<{code}', body, place)
        place += struct.calcsize(f'<{code}')
        return found

    def sequence() -> memoryview:
        nonlocal place
        length, = numbers('I')
        found = body[place:place + length]
        if len(found) != length:
            raise ValueError('the message ends early')
        place += length
        return found

    def text() -> str:
        return str(sequence()[:-1], 'utf-8')
    sec, = numbers('i')
    nanosec, = numbers('I')
    header = Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=text())
    height, width = numbers('2I')
    encoding = text()
    is_bigendian, = numbers('B')
    step, = numbers('I')
    return ReceivedImage(header, height, width, encoding, is_bigendian, step, sequence())
