# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts what a caller passes to a model into a sample of its network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.vision.pixel_encodings import image_size_wh

# An image: bgr8 as cv2.imread returns it, or a frame. None is what cv2.imread returns for a file
# that it cannot read: it may be passed on, and is reported.
Image = NDArray[Any] | Frame | None
# An image, a text, or arrays by the names of the input tensors; for a picture, an image.
Input = Image | str | Mapping[str, Any]


class Samples:
    """
    Makes samples for one network.

    :param manifest: manifest of its engine.
    :raises MissingLibraryError: if it reads texts and `tokenizers` is not installed.
    """

    def __init__(self, manifest: EngineManifest) -> None:
        text_input = manifest.text_input
        self._tokens = TextTokens(text_input) if text_input else None
        self._pictures = {kind.tensor for kind in manifest.input_kinds
                          if isinstance(kind, ImageInput)}
        self._reads_image = bool(self._pictures) and len(manifest.input_kinds) == 1
        self._task = manifest.task

    def sample(self, given: Input) -> Sample:
        """
        Return what a caller passed as a sample.

        :param given: not modified; an image is not copied.
        :raises ImageError: if the network reads something else, or the image is invalid.
        """
        if self._reads_image:
            if given is None or isinstance(given, (np.ndarray, Frame)):
                return checked_image(given)
            raise self._error('an image, uint8 (H, W, 3) BGR as cv2.imread returns it', given)
        if self._tokens is not None:
            if isinstance(given, str):
                return self._tokens.sample(given, source='the caller')
            raise self._error('a text, as a str', given)
        if isinstance(given, Mapping):
            return Tensors({
                name: checked_image(values) if name in self._pictures else np.asarray(values)
                for name, values in given.items()}, source='the caller')
        raise self._error('arrays by name, as a dict', given)

    def _error(self, expected: str, given: object) -> ImageError:
        hint = ': read the file with cv2.imread first' if self._reads_image \
            and isinstance(given, str) else ''
        return ImageError(f"the network's task is '{self._task}', which reads {expected}, but "
                          f'this is {_described(given)}{hint}')


def checked_image(image: Image) -> Frame:
    """
    Return an image as a frame.

    :param image: not modified, and not copied.
    :raises ImageError: if it is None, or has another shape or dtype than its encoding.
    """
    if image is None:
        raise ImageError('the image is None: cv2.imread returns None for a file that it cannot '
                         'read, so check the path', code='image_missing')
    if isinstance(image, np.ndarray):
        return Frame.from_array(image)
    size_wh = image_size_wh(image.pixels, image.encoding)
    if size_wh != image.size_wh:
        raise ImageError(f'the frame states {image.size_wh} as its width and height, but its '
                         f'pixels have {size_wh}: use Frame.from_array')
    return image


def _described(given: object) -> str:
    if given is None or isinstance(given, (str, Frame)):
        return f"the text '{given[:40]}'" if isinstance(given, str) else str(given)
    return f'a value of type {type(given).__name__}'
