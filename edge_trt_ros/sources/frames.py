# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts raw or encoded images to frames, and rejects invalid images with a clear error."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import MAX_SIDE_PX
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.image_header import encoded_size
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.pixel_encodings import pixel_encoding, pixels_from_bytes

# Enough for 8K. A progressive JPEG of this size takes 300 MB to decode.
MAX_PIXELS = 34_000_000
_DEPTH_ENCODINGS = ('16UC1', '32FC1')


def frame_from_message(message: Any, source: str) -> Frame:
    """
    Convert an image message to a frame without copying its bytes.

    :param message: has the fields of `sensor_msgs/Image`; the frame keeps its bytes alive.
    :param source: the topic, for error messages.
    :raises ImageError: if size, step, data and encoding are inconsistent.
    """
    size_wh = (int(message.width), int(message.height))
    check_size(size_wh, source)
    if pixel_encoding(message.encoding).channels > 1 and message.is_bigendian not in (0, 1):
        raise ImageError(f'image on {source}: is_bigendian is {message.is_bigendian}, '
                         'expected 0 or 1')
    pixels = pixels_from_bytes(np.frombuffer(message.data, np.uint8), message.encoding, size_wh,
                               message.step, source)
    return framed(pixels, message.encoding, size_wh, message.header, source)


def frame_from_compressed_message(message: Any, source: str, max_pixels: int = MAX_PIXELS
                                  ) -> Frame:
    """
    Decode a compressed image message to a bgr8 frame.

    :param message: has the fields of `sensor_msgs/CompressedImage`.
    :param source: the topic, for error messages.
    :param max_pixels: maximum number of pixels.
    :raises ImageError: if it is a depth image, is too large, or cannot be decoded.
    """
    named = str(message.format)
    if 'compressedDepth' in named or named.split(';')[0].strip() in _DEPTH_ENCODINGS:
        raise ImageError(f"the image on {source} has the format '{named}', which is depth and not "
                         'a picture: subscribe to the compressed topic of the colour camera')
    return frame_from_encoded(np.asarray(message.data, np.uint8), source, message.header,
                              max_pixels)


def frame_from_encoded(data: NDArray[np.uint8], source: str, header: Any = None,
                       max_pixels: int = MAX_PIXELS) -> Frame:
    """
    Decode JPEG, PNG, BMP or WebP to a bgr8 frame.

    :param data: uint8 (n,), the encoded bytes.
    :param source: topic or file, for error messages.
    :param header: stamp and coordinate frame, as `std_msgs/Header`, or None.
    :param max_pixels: maximum number of pixels; a larger image is not decoded.
    :raises ImageError: if the image is too large or cannot be decoded.
    """
    encoded = encoded_size(data.data)
    if encoded is not None:
        check_size(encoded, source)
        if encoded[0] * encoded[1] > max_pixels:
            raise ImageError(
                f'image on {source} has size {encoded[0]}x{encoded[1]}, expected at most '
                f'{max_pixels / 1e6:g} megapixels: correct the publisher, or raise '
                'max_image_megapixels')
    try:
        pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if encoded else None
    except cv2.error:
        pixels = None
    if pixels is None:
        raise ImageError(f'{source}: {data.size} bytes cannot be decoded, expected JPEG, PNG, BMP '
                         'or WebP')
    height, width = pixels.shape[:2]
    return framed(np.asarray(pixels, np.uint8), 'bgr8', (width, height), header, source)


def framed(pixels: NDArray[np.uint8], encoding: str, size_wh: tuple[int, int], header: Any,
           source: str) -> Frame:
    """Return a frame with the stamp and coordinate frame of the header, if any."""
    if header is None:
        return Frame(pixels, encoding, size_wh, source=source)
    return Frame(pixels, encoding, size_wh, stamp_ns(header), header.frame_id, source)


def check_size(size_wh: tuple[int, int], source: str) -> None:
    """
    Reject an image with an invalid size, before its bytes are used.

    :raises ImageError: names the source, the size and the allowed sizes.
    """
    if not all(0 < side <= MAX_SIDE_PX for side in size_wh):
        raise ImageError(f'image on {source} has size {size_wh[0]}x{size_wh[1]}, expected 1 to '
                         f'{MAX_SIDE_PX} on each side')
