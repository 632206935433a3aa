"""A frame becomes the network's input tensor on the host, with OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.manifest import InputContract, TOKENS
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.pixel_encodings import to_bgr

# Which channel of the source holds red, green and blue. What is not listed goes to bgr8 first.
_RGB_CHANNELS = {'bgr8': (2, 1, 0), 'rgb8': (0, 1, 2), 'bgra8': (2, 1, 0), 'rgba8': (0, 1, 2),
                 'mono8': (0, 0, 0)}


class HostPreprocess:
    """
    The preprocessing of one network, with buffers that are reused from frame to frame.

    :param contract: size, colours, scale, mean, std and pad value.
    """

    def __init__(self, contract: InputContract) -> None:
        self._contract = contract
        flip = contract.color_order == 'bgr'
        self._channel_order = (2, 1, 0) if flip else (0, 1, 2)
        self._gain = [np.float32(contract.scale / std) for std in contract.std]
        self._offset = [np.float32(-mean / std) for mean, std in zip(contract.mean, contract.std)]
        self._bgr = np.empty((0, 0, 3), np.uint8)
        self._canvases: dict[tuple[int, ...], NDArray[np.uint8]] = {}
        self._plane = np.empty(contract.size_wh[::-1], np.uint8)

    def fit(self, frame: Frame) -> Letterbox:
        """Return how a frame of this size is fitted into the network's input."""
        return Letterbox.fit(frame.size_wh, self._contract.size_wh)

    def fill(self, frame: Frame, letterbox: Letterbox, tensor: NDArray[Any]) -> None:
        """
        Write a frame into an input tensor.

        :param frame: the image; not modified.
        :param letterbox: what `fit` returned for it.
        :param tensor: float32 or float16, (1, 3, height, width); int32 of a text; overwritten.
        :raises ImageError: if the encoding is not known, or not what the network takes.
        """
        if self._contract.layout == TOKENS:
            tensor[...] = token_bytes(frame, self._contract).view(np.int32).reshape(tensor.shape)
            return
        pixels, channels = frame.pixels, _RGB_CHANNELS.get(frame.encoding)
        if channels is None:
            pixels = to_bgr(pixels, frame.encoding, self._converted(frame.size_wh))
            channels = _RGB_CHANNELS['bgr8']
        try:
            canvas = letterbox.apply(pixels, self._contract.pad_value, self._canvas(pixels))
        except cv2.error as error:
            raise ImageError(f'an image of {frame.encoding} {frame.size_wh} from '
                             f'{frame.source or "a file"} cannot be resized: {error}') from error
        for index, rgb in enumerate(self._channel_order):
            plane = canvas
            if canvas.ndim == 3:
                plane = cv2.extractChannel(canvas, channels[rgb], self._plane)
            target = tensor[0, index]
            np.multiply(plane, self._gain[index], out=target, casting='unsafe')
            if self._offset[index]:
                np.add(target, self._offset[index], out=target, casting='unsafe')

    def _converted(self, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
        if self._bgr.shape != (*size_wh[::-1], 3):
            self._bgr = np.empty((*size_wh[::-1], 3), np.uint8)
        return self._bgr

    def _canvas(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = (*self._contract.size_wh[::-1], *pixels.shape[2:])
        if shape not in self._canvases:
            self._canvases[shape] = np.empty(shape, np.uint8)
        return self._canvases[shape]


def token_bytes(frame: Frame, contract: InputContract) -> NDArray[np.uint8]:
    """
    Return the bytes of a text's tensor.

    :raises ImageError: if the frame is none, or of another length.
    """
    if frame.encoding != TOKENS or frame.size_wh != contract.size_wh:
        raise ImageError(f'the network reads texts of {contract.size_wh[0]} tokens, and this is '
                         f'{frame.encoding} {frame.size_wh} from {frame.source or "a file"}')
    return frame.pixels
