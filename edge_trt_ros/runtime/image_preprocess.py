# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts a frame to the network's input tensor on the host, with OpenCV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.pixel_encodings import pixel_encoding, to_bgr

# Channels of red, green and blue. Other encodings are converted to bgr8 first.
_RGB_CHANNELS = {'bgr8': (2, 1, 0), 'rgb8': (0, 1, 2), 'bgra8': (2, 1, 0), 'rgba8': (0, 1, 2),
                 'mono8': (0, 0, 0)}
# From each encoding to each colour order of a network; the same order needs none.
_CONVERSIONS = {
    'rgb': {'bgr8': cv2.COLOR_BGR2RGB, 'bgra8': cv2.COLOR_BGRA2RGB, 'rgba8': cv2.COLOR_RGBA2RGB,
            'mono8': cv2.COLOR_GRAY2RGB},
    'bgr': {'rgb8': cv2.COLOR_RGB2BGR, 'bgra8': cv2.COLOR_BGRA2BGR, 'rgba8': cv2.COLOR_RGBA2BGR,
            'mono8': cv2.COLOR_GRAY2BGR}}


class ImagePreprocess:
    """
    The preprocessing of images with OpenCV (see `runtime.preprocess.Preprocess`).

    Its buffers are reused for every frame.

    :param image_input: size, colours, scale, mean, std and pad value.
    """

    def __init__(self, image_input: ImageInput) -> None:
        self._input = image_input
        flip = image_input.color_order == 'bgr'
        self._channel_order = (2, 1, 0) if flip else (0, 1, 2)
        self._gain = [np.float32(image_input.scale / std) for std in image_input.std]
        self._offset = [np.float32(-mean / std)
                        for mean, std in zip(image_input.mean, image_input.std)]
        self._bgr = np.empty((0, 0, 3), np.uint8)
        self._canvases: dict[tuple[int, ...], NDArray[np.uint8]] = {}
        self._plane = np.empty(image_input.size_wh[::-1], np.uint8)

    def fit(self, sample: Sample) -> Letterbox:
        """See `Preprocess.fit`."""
        frame = checked_frame(sample)
        pixel_encoding(frame.encoding)
        return Letterbox.fit(frame.size_wh, self._input.size_wh, self._input.fit,
                             self._input.crop_fraction, self._input.resize)

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """See `Preprocess.fill`."""
        self.fill_tensor(checked_frame(sample), letterbox, tensors[self._input.tensor])

    def blank(self) -> Frame:
        """See `Preprocess.blank`."""
        width, height = self._input.size_wh
        return Frame(np.full((height, width, 3), 114, np.uint8), 'bgr8', (width, height),
                     source='warm-up')

    def fill_tensor(self, frame: Frame, letterbox: Letterbox, tensor: NDArray[Any]) -> None:
        """
        Write a frame into an input tensor.

        :param frame: the image; not modified.
        :param letterbox: the letterbox that `fit` returned.
        :param tensor: float32 or float16, (1, 3, height, width); overwritten.
        :raises ImageError: if the encoding is unknown.
        """
        pixels, channels = frame.pixels, _RGB_CHANNELS.get(frame.encoding)
        if channels is None:
            pixels = to_bgr(pixels, frame.encoding, self._converted(frame.size_wh))
            channels = _RGB_CHANNELS['bgr8']
        try:
            canvas = letterbox.apply(pixels, self._input.pad_value, self._canvas(pixels))
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

    def fill_pixels(self, sample: Sample, letterbox: Letterbox, pixels: NDArray[Any]) -> None:
        """
        Write a frame as letterboxed pixels, for a network whose graph does the rest.

        :param sample: the image; not modified.
        :param letterbox: the letterbox that `fit` returned.
        :param pixels: uint8 (height, width, 3) in the network's colour order; overwritten.
        :raises ImageError: for a sample of the wrong kind, or an unknown encoding.
        """
        frame = checked_frame(sample)
        image, encoding = frame.pixels, frame.encoding
        if encoding not in _RGB_CHANNELS:
            image, encoding = to_bgr(image, encoding, self._converted(frame.size_wh)), 'bgr8'
        conversion = _CONVERSIONS[self._input.color_order].get(encoding)
        canvas = pixels if conversion is None else self._canvas(image)
        try:
            letterbox.apply(image, self._input.pad_value, canvas)
        except cv2.error as error:
            raise ImageError(f'{frame} cannot be resized: {error}') from error
        if conversion is not None:
            cv2.cvtColor(canvas, conversion, dst=pixels)

    def _converted(self, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
        if self._bgr.shape != (*size_wh[::-1], 3):
            self._bgr = np.empty((*size_wh[::-1], 3), np.uint8)
        return self._bgr

    def _canvas(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = (*self._input.size_wh[::-1], *pixels.shape[2:])
        if shape not in self._canvases:
            self._canvases[shape] = np.empty(shape, np.uint8)
        return self._canvases[shape]


def checked_frame(sample: Sample) -> Frame:
    """
    Return a sample as a frame.

    :raises ImageError: if the sample is not a frame.
    """
    if not isinstance(sample, Frame):
        raise ImageError(f'the network reads images, but the sample is {sample}')
    return sample
