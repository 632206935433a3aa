# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Samples that a network runs on: a camera frame, the tokens of a text, or plain tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy import ascontiguousarray, int32, uint8
from numpy.typing import NDArray

from edge_trt_ros.vision.pixel_encodings import image_size_wh, pixel_encoding


@dataclass(frozen=True)
class Frame:
    """
    One image.

    :param pixels: uint8, a view of the message's bytes in the shape of the encoding
        (`vision.pixel_encodings`); rows may be padded (strided). Not modified; the frame keeps
        the bytes alive.
    :param encoding: name of the encoding in `sensor_msgs/Image`.
    :param size_wh: width and height in pixels.
    :param stamp_ns: time of exposure in nanoseconds of the publisher's clock.
    :param frame_id: the camera's coordinate frame.
    :param source: topic or file of the image, for error messages.
    """

    pixels: NDArray[uint8]
    encoding: str
    size_wh: tuple[int, int]
    stamp_ns: int = 0
    frame_id: str = ''
    source: str = ''

    @classmethod
    def from_array(cls, pixels: NDArray[Any], encoding: str = 'bgr8', *, stamp_ns: int = 0,
                   source: str = '') -> Frame:
        """
        Return an array as a frame.

        :param pixels: uint8 in the shape of the encoding: (H, W, 3) for bgr8 and rgb8, (H, W, 4)
            for bgra8 and rgba8, (H, W) for mono8. Copied only if the bytes of a row are not
            contiguous.
        :param encoding: name of the encoding in `sensor_msgs/Image`.
        :param stamp_ns: time of exposure in nanoseconds.
        :param source: topic or file of the image, for error messages.
        :raises ImageError: for an unknown encoding, or another shape or dtype.
        """
        size_wh = image_size_wh(pixels, encoding)
        layout = pixel_encoding(encoding)
        packed = pixels.strides[1:] == (layout.channels, 1)[:pixels.ndim - 1]
        if not packed or pixels.strides[0] < layout.row_bytes(size_wh[0]):
            pixels = ascontiguousarray(pixels)
        return cls(pixels, encoding, size_wh, stamp_ns, source=source)

    def __str__(self) -> str:
        width, height = self.size_wh
        return f'{self.encoding} {width}x{height} from {self.source or "a file"}'


@dataclass(frozen=True)
class Tokens:
    """
    One text, split by the network's tokenizer.

    :param ids: int32 (length,), token IDs.
    :param attention_mask: int32 (length,), 1 for tokens of the text, 0 for padding.
    :param token_types: int32 (length,), 0 for the first of two texts, 1 for the second.
    :param stamp_ns: time of arrival in nanoseconds.
    :param source: topic or file of the text, for error messages.
    """

    ids: NDArray[int32]
    attention_mask: NDArray[int32]
    token_types: NDArray[int32]
    stamp_ns: int = 0
    source: str = ''

    def __str__(self) -> str:
        return f'a text of {len(self.ids)} tokens from {self.source or "a file"}'


@dataclass(frozen=True)
class Tensors:
    """
    Named arrays for a network with a tensor contract.

    :param by_name: arrays with the dtypes and shapes of the network's input tensors; for a
        picture its frame.
    :param stamp_ns: time of arrival in nanoseconds.
    :param source: topic or file of the tensors, for error messages.
    """

    by_name: Mapping[str, NDArray[Any] | Frame]
    stamp_ns: int = 0
    source: str = ''

    def __str__(self) -> str:
        return f'tensors {sorted(self.by_name)} from {self.source or "a file"}'


Sample = Frame | Tokens | Tensors
