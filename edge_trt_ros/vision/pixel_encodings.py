# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The supported image encodings, and their conversion to BGR."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError


@dataclass(frozen=True)
class PixelEncoding:
    """
    The memory layout of an image.

    :param name: as `sensor_msgs/image_encodings` spells it.
    :param channels: bytes of one pixel in a row (1 for the luma rows of nv12).
    :param to_bgr_code: OpenCV's conversion code to BGR; None if the pixels are BGR already.
    :param even_width: whether two neighbouring pixels of a row share their chroma.
    :param half_chroma_rows: whether half as many chroma rows follow the luma rows.
    """

    name: str
    channels: int
    to_bgr_code: int | None
    even_width: bool = False
    half_chroma_rows: bool = False

    def rows(self, height: int) -> int:
        """Return the number of byte rows of an image with a given height."""
        return height + height // 2 if self.half_chroma_rows else height

    def row_bytes(self, width: int) -> int:
        """Return the number of bytes of one row, without padding."""
        return width * self.channels

    def shape(self, size_wh: tuple[int, int]) -> tuple[int, ...]:
        """Return the shape of the pixels as an array: (rows, width) or (rows, width, channels)."""
        shape = (self.rows(size_wh[1]), size_wh[0])
        return shape if self.channels == 1 else (*shape, self.channels)

    def check_size(self, size_wh: tuple[int, int]) -> None:
        """
        Reject a size that the encoding does not allow.

        :raises ImageError: names the side that must be even.
        """
        if self.even_width and size_wh[0] % 2 or self.half_chroma_rows and size_wh[1] % 2:
            side = 'width and height' if self.half_chroma_rows else 'width'
            raise ImageError(f'an image of {self.name} has size {size_wh[0]}x{size_wh[1]}, but '
                             f'its {side} must be even: the publisher fills it in wrong')


_UYVY = ('yuv422', 'uyvy')
_YUYV = ('yuv422_yuy2', 'yuyv')
PIXEL_ENCODINGS: Mapping[str, PixelEncoding] = MappingProxyType({
    encoding.name: encoding for encoding in (
        PixelEncoding('bgr8', 3, None),
        PixelEncoding('rgb8', 3, cv2.COLOR_RGB2BGR),
        PixelEncoding('bgra8', 4, cv2.COLOR_BGRA2BGR),
        PixelEncoding('rgba8', 4, cv2.COLOR_RGBA2BGR),
        PixelEncoding('mono8', 1, cv2.COLOR_GRAY2BGR),
        *(PixelEncoding(name, 2, cv2.COLOR_YUV2BGR_UYVY, even_width=True) for name in _UYVY),
        *(PixelEncoding(name, 2, cv2.COLOR_YUV2BGR_YUYV, even_width=True) for name in _YUYV),
        PixelEncoding('nv12', 1, cv2.COLOR_YUV2BGR_NV12, even_width=True, half_chroma_rows=True),
    )})


def pixel_encoding(name: str) -> PixelEncoding:
    """
    Return an encoding by its name.

    :raises ImageError: for an unknown name; lists the known encodings.
    """
    if name not in PIXEL_ENCODINGS:
        raise ImageError(f"encoding '{name}' is not one of {', '.join(PIXEL_ENCODINGS)}")
    return PIXEL_ENCODINGS[name]


def to_bgr(pixels: NDArray[np.uint8], encoding: str, out: NDArray[np.uint8] | None = None
           ) -> NDArray[np.uint8]:
    """
    Return the pixels as BGR.

    :param pixels: uint8 in the encoding's shape; not modified.
    :param encoding: name of the encoding.
    :param out: uint8 (H, W, 3) to write into, contiguous.
    :returns: uint8 (H, W, 3): `out` if given, `pixels` itself if they are BGR already, else a
        new array.
    :raises ImageError: if the encoding is unknown or the pixels have another shape.
    :raises ValueError: if `out` has another shape.
    """
    layout = pixel_encoding(encoding)
    width, height = image_size_wh(pixels, encoding)
    if out is not None and out.shape != (height, width, 3):
        raise ValueError(f'out has shape {out.shape}, expected ({height}, {width}, 3)')
    if layout.to_bgr_code is not None:
        return np.asarray(cv2.cvtColor(pixels, layout.to_bgr_code, dst=out), np.uint8)
    if out is None:
        return pixels
    np.copyto(out, pixels)
    return out


def image_size_wh(pixels: NDArray[Any], encoding: str) -> tuple[int, int]:
    """
    Return width and height of an image.

    :param pixels: the image in the encoding's shape; not modified.
    :param encoding: name of the encoding.
    :raises ImageError: if the encoding is unknown, or the pixels have another shape or dtype.
    """
    layout = pixel_encoding(encoding)
    rows, width = pixels.shape[:2] if pixels.ndim > 1 else (0, 0)
    height = rows * 2 // 3 if layout.half_chroma_rows else rows
    layout.check_size((width, height))
    expected = layout.shape((width, height))
    if pixels.shape != expected or not pixels.size:
        raise ImageError(f'pixels of {encoding} have shape {pixels.shape}, expected {expected} '
                         'with at least one pixel')
    if pixels.dtype != np.uint8:
        raise ImageError(f'pixels of {encoding} have dtype {pixels.dtype}, expected uint8')
    return width, height


def pixels_from_bytes(data: NDArray[np.uint8], encoding: str, size_wh: tuple[int, int],
                      step: int, source: str) -> NDArray[np.uint8]:
    """
    View the bytes of an image message as pixels.

    :param data: uint8, one dimension; not modified.
    :param encoding: a name of `PIXEL_ENCODINGS`.
    :param size_wh: width and height in pixels.
    :param step: bytes from one row to the next.
    :param source: the topic, for error messages.
    :returns: a read-only view in the encoding's shape; its rows may be padded.
    :raises ImageError: if the bytes do not match this description.
    """
    (width, height), layout = size_wh, pixel_encoding(encoding)
    layout.check_size(size_wh)
    rows, row_bytes = layout.rows(height), layout.row_bytes(width)
    if step < row_bytes:
        raise ImageError(f'image on {source}: step is {step}, but a row of {width} pixels '
                         f'of {encoding} has {row_bytes} bytes: the publisher fills it in wrong')
    # The last row need not be padded.
    needed = step * (rows - 1) + row_bytes
    if data.size < needed:
        raise ImageError(f'image on {source}: data has {data.size} bytes, but {width}x{height} of '
                         f'{encoding} with a step of {step} has {needed}: it is cut short')
    shape = layout.shape(size_wh)
    return np.lib.stride_tricks.as_strided(
        data, shape, (step, layout.channels, 1)[:len(shape)], writeable=False)
