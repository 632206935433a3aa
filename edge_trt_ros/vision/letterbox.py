# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fit an image into a network's input, as its trainers did, and map back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.resampling import resampled

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Letterbox:
    """
    The position of a source image in a network's input: scaled, then padded or cropped.

    :param source_size_wh: width and height of the source in pixels.
    :param network_size_wh: width and height of the network's input in pixels.
    :param resized_size_wh: size of the scaled source.
    :param pad_left: padding left of it, in network pixels; negative if it is cropped there.
    :param pad_top: padding above it, in network pixels; negative if it is cropped there.
    :param resize: how it is scaled: 'opencv' reads four pixels, 'pillow' and 'pillow_bicubic'
        filter (see `vision.resampling`).
    """

    source_size_wh: tuple[int, int]
    network_size_wh: tuple[int, int]
    resized_size_wh: tuple[int, int]
    pad_left: int
    pad_top: int
    resize: str = 'opencv'

    @staticmethod
    @lru_cache(maxsize=64)
    def fit(source_size_wh: tuple[int, int], network_size_wh: tuple[int, int],
            how: str = 'letterbox', crop_fraction: float = 1.0, resize: str = 'opencv'
            ) -> Letterbox:
        """
        Return the letterbox that fits a source size into a network size.

        It rounds as Ultralytics' exporters do: the size to the nearest pixel; the extra pixel of
        an odd padding is on the right or at the bottom. A crop rounds as torchvision does.

        :param how: 'letterbox' pads and centres it, 'top_left' pads it on the right and at the
            bottom, 'crop' resizes it until it covers the input and shows its centre, 'squash'
            stretches it.
        :param crop_fraction: part of the resized image's shorter side that a crop shows.
        :param resize: how it is scaled (see the class).
        :raises ValueError: if a width or height is not positive.
        """
        if min(*source_size_wh, *network_size_wh) < 1:
            raise ValueError(f'sizes must be positive, not {source_size_wh} and {network_size_wh}')
        ratio = min(network / source
                    for network, source in zip(network_size_wh, source_size_wh))
        resized = tuple(min(max(round(source * ratio), 1), network)
                        for source, network in zip(source_size_wh, network_size_wh))
        if how == 'squash':
            return Letterbox(source_size_wh, network_size_wh, network_size_wh, 0, 0, resize)
        if how == 'crop':
            resized = _covering(source_size_wh, network_size_wh, crop_fraction)
            left, top = (-round((length - network) / 2)
                         for network, length in zip(network_size_wh, resized))
        elif how == 'top_left':
            left = top = 0
        else:
            left, top = (round((network - length) / 2 - 0.1)
                         for network, length in zip(network_size_wh, resized))
        return Letterbox(source_size_wh, network_size_wh, (resized[0], resized[1]), left, top,
                         resize)

    @property
    def scale_x(self) -> float:
        """Network pixels per source pixel, horizontally."""
        return self.resized_size_wh[0] / self.source_size_wh[0]

    @property
    def scale_y(self) -> float:
        """Network pixels per source pixel, vertically."""
        return self.resized_size_wh[1] / self.source_size_wh[1]

    def apply(self, image: NDArray[np.uint8], pad_value: int = 114,
              out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """
        Return the image as the network's input, resized with half-pixel centres.

        :param image: uint8 (H, W) or (H, W, channels) of the source's size; not modified.
        :param pad_value: 0..255, fills the padding.
        :param out: uint8 (h, w) or (h, w, channels) of the network's size to write into.
        :returns: `out`, or a new array.
        :raises ValueError: if the image does not have the source's size.
        """
        if image.shape[1::-1] != self.source_size_wh:
            raise ValueError(f'the image is {image.shape[1]}x{image.shape[0]}, the letterbox is '
                             f'for {self.source_size_wh[0]}x{self.source_size_wh[1]}')
        if out is None:
            out = np.empty((*self.network_size_wh[::-1], *image.shape[2:]), np.uint8)
        width, height = self.resized_size_wh
        if self.resize != 'opencv':
            return self._resampled(image, pad_value, out)
        if min(self.pad_left, self.pad_top) < 0:
            whole = cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR)
            out[:] = whole[-self.pad_top:out.shape[0] - self.pad_top,
                           -self.pad_left:out.shape[1] - self.pad_left]
            return out
        right, bottom = self.pad_left + width, self.pad_top + height
        out[:self.pad_top] = out[bottom:] = pad_value
        out[:, :self.pad_left] = out[:, right:] = pad_value
        inner = out[self.pad_top:bottom, self.pad_left:right]
        cv2.resize(image, (width, height), dst=inner, interpolation=cv2.INTER_LINEAR)
        return out

    def _resampled(self, image: NDArray[np.uint8], pad_value: int, out: NDArray[np.uint8]
                   ) -> NDArray[np.uint8]:
        start = max(-self.pad_left, 0), max(-self.pad_top, 0)
        left, top = max(self.pad_left, 0), max(self.pad_top, 0)
        window = tuple(min(resized - first, network - place) for resized, first, network, place in
                       zip(self.resized_size_wh, start, self.network_size_wh, (left, top)))
        out[:] = pad_value
        out[top:top + window[1], left:left + window[0]] = resampled(
            image, self.resized_size_wh, start, (window[0], window[1]),
            self.resize == 'pillow_bicubic')
        return out

    def shown(self, cells: NDArray[Any]) -> NDArray[Any]:
        """
        Return the cells of a map that show the image, without padding; a view.

        :param cells: (h, w), a map of the network's whole input in any resolution.
        """
        parts = []
        for pad, resized, network, length in zip(
                (self.pad_top, self.pad_left), self.resized_size_wh[::-1],
                self.network_size_wh[::-1], cells.shape):
            parts.append(slice(max(pad, 0) * length // network,
                               -(-min(pad + resized, network) * length // network)))
        return cells[parts[0], parts[1]]

    def boxes_to_source(self, boxes_xyxy: FloatArray) -> FloatArray:
        """
        Map boxes back to the source image; nothing is clipped.

        :param boxes_xyxy: float (n, 4), network pixels; not modified.
        :returns: float32 (n, 4), source pixels.
        """
        return self._to_source(boxes_xyxy, 2)

    def boxes_to_network(self, boxes_xyxy: FloatArray) -> FloatArray:
        """
        Map boxes into the network's input.

        :param boxes_xyxy: float (n, 4), source pixels; not modified.
        :returns: float32 (n, 4), network pixels.
        """
        scale, shift = self._scale_and_shift(2)
        return (boxes_xyxy * scale + shift).astype(np.float32)

    def keypoints_to_source(self, keypoints: FloatArray) -> FloatArray:
        """
        Map keypoints back to the source image.

        :param keypoints: float (n, k, 2) or (n, k, 3): x and y in network pixels, optionally a
            score; not modified.
        :returns: float32 of the same shape, x and y in source pixels.
        """
        mapped = keypoints.astype(np.float32)
        mapped[..., :2] = self._to_source(keypoints[..., :2], 1)
        return mapped

    def _to_source(self, points: FloatArray, pairs: int) -> FloatArray:
        scale, shift = self._scale_and_shift(pairs)
        return ((points - shift) / scale).astype(np.float32)

    def _scale_and_shift(self, pairs: int) -> tuple[FloatArray, FloatArray]:
        return (np.array([self.scale_x, self.scale_y] * pairs, np.float32),
                np.array([self.pad_left, self.pad_top] * pairs, np.float32))


def _covering(source_size_wh: tuple[int, int], network_size_wh: tuple[int, int],
              fraction: float) -> tuple[int, int]:
    """Return the size of a source that is resized until a centre crop is inside of it."""
    wanted = [round(network / fraction) for network in network_size_wh]
    ratio = max(want / source for want, source in zip(wanted, source_size_wh))
    width, height = (max(int(source * ratio + 1e-6), want)
                     for source, want in zip(source_size_wh, wanted))
    return width, height


# For samples other than images: nothing is scaled or padded.
NO_PICTURE = Letterbox((1, 1), (1, 1), (1, 1), 0, 0)


def use_one_core() -> None:
    """Let OpenCV use one core: the processes next to this one use the others."""
    cv2.setNumThreads(1)
