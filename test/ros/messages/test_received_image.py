# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Images are read from received bytes as the middleware reads them."""

from __future__ import annotations

import struct

from builtin_interfaces.msg import Time
from hypothesis import given, settings, strategies
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from edge_trt_ros.errors import ImageError
from edge_trt_ros.ros.messages.image import frame_from_image
from edge_trt_ros.ros.messages.received_image import received_image, ReceivedImage

FIELDS = ('header', 'height', 'width', 'encoding', 'is_bigendian', 'step')
WORDS = strategies.integers(0, 2 ** 32 - 1)


def image(**fields: object) -> Image:
    header = Header(stamp=Time(sec=-7, nanosec=9), frame_id='camera')
    return Image(**{'header': header, 'height': 2, 'width': 3, 'encoding': 'bgr8', 'step': 9,
                    'data': bytes(range(18)), **fields})


@given(frame_id=strategies.text(max_size=9).filter(lambda text: '\0' not in text),
       encoding=strategies.sampled_from(('', 'bgr8', 'rgba8', 'mono8', 'yuv422_yuy2')),
       sizes=strategies.tuples(WORDS, WORDS, WORDS), big=strategies.integers(0, 255),
       data=strategies.binary(max_size=40))
@settings(max_examples=300, deadline=None)
def test_fields_are_those_of_the_object(frame_id: str, encoding: str, sizes: tuple[int, ...],
                                        big: int, data: bytes) -> None:
    message = image(header=Header(stamp=Time(sec=5, nanosec=4), frame_id=frame_id),
                    height=sizes[0], width=sizes[1], step=sizes[2], encoding=encoding,
                    is_bigendian=big, data=data)
    found = received_image(serialize_message(message))
    assert isinstance(found, ReceivedImage)
    for field in FIELDS:
        assert getattr(found, field) == getattr(message, field)
    assert bytes(found.data) == data


def test_pixels_are_part_of_the_message() -> None:
    written = serialize_message(image())
    frame = frame_from_image(received_image(written))
    assert np.shares_memory(frame.pixels, np.frombuffer(written, np.uint8))
    np.testing.assert_array_equal(frame.pixels.ravel(), np.arange(18))


def test_other_byte_order_is_read_by_the_middleware() -> None:
    # The same message, big endian: encapsulation, then header, sizes, encoding, step, data.
    swapped = b'\0\0\0\0' + struct.pack('>iII', -7, 9, 7) + b'camera\0\0' + struct.pack(
        '>III', 2, 3, 5) + b'bgr8\0\0\0\0' + struct.pack('>II', 9, 18) + bytes(range(18))
    assert received_image(swapped) == image()


@given(place=strategies.integers(0, 85), value=strategies.integers(0, 255),
       length=strategies.integers(0, 86))
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_are_an_image_or_an_error(place: int, value: int, length: int) -> None:
    written = bytearray(serialize_message(image()))
    if place < len(written):
        written[place] = value
    try:
        found = received_image(bytes(written[:length]))
    except ImageError:
        return
    assert isinstance(found, (ReceivedImage, Image))


@pytest.mark.parametrize('written', [b'', b'\0\1\0\0', b'\0\1\0\0' + bytes([255]) * 40])
def test_bytes_that_are_no_image(written: bytes) -> None:
    with pytest.raises(ImageError, match='are not an image message'):
        received_image(written)
