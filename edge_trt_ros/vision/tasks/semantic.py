# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task semantic: the class of every pixel of an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.drawing import class_palette_bgr
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class ClassMap:
    """
    The class of every pixel in the network's resolution.

    :param classes: integers (h, w), the size of the network's output including padding.
    :param letterbox: maps the source image to the network's input.
    :param confidence: float32 (h, w), probability of the class; None if the network has none.
    """

    classes: NDArray[Any]
    letterbox: Letterbox
    confidence: NDArray[np.float32] | None = None

    def in_network_resolution(self) -> NDArray[Any]:
        """Return the cells that show the image, without padding; a view."""
        return self.letterbox.shown(self.classes)

    def at(self, resolution: str, values: NDArray[Any]) -> NDArray[Any]:
        """
        Return classes or confidences in a resolution.

        :param resolution: 'source' or 'network'.
        :param values: `classes` or `confidence`.
        """
        return self._in_source(values) if resolution == 'source' else self.letterbox.shown(values)

    def in_source_resolution(self) -> NDArray[Any]:
        """Return the class at the centre of each source pixel, (H, W)."""
        return self._in_source(self.classes)

    def _in_source(self, values: NDArray[Any]) -> NDArray[Any]:
        rows, columns = _cells(self.letterbox, values.shape)
        return np.take(np.take(values, rows, 0), columns, 1)


def semantic(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Decode the outputs of a fused head: `class_map` and maybe `confidence` [1, h, w]."""
    classes = named_outputs(outputs, class_map=3, checksum=1)['class_map'][0]
    confidence = outputs['confidence'][0].copy() if 'confidence' in outputs else None
    return ClassMap(classes.astype(np.uint16), letterbox, confidence)


def draw(image_bgr: NDArray[np.uint8], result: ClassMap, labels: Labels) -> None:
    """Blend the colour of each pixel's class into an image."""
    colors = class_palette_bgr(len(labels))[result.in_source_resolution()]
    cv2.addWeighted(image_bgr, 0.5, colors, 0.5, 0, dst=image_bgr)


def describe(result: ClassMap, labels: Labels) -> dict[str, Any]:
    """Return the number of source pixels of each class, as plain values for JSON."""
    pixels = np.bincount(result.in_source_resolution().ravel(), minlength=len(labels))
    return {'class_px': {
        labels[index]: count for index, count in enumerate(pixels.tolist()) if count}}


@lru_cache(maxsize=16)
def _cells(letterbox: Letterbox, shape: tuple[int, int]
           ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the map's row for each source row, and the map's column for each source column."""
    cells = []
    for source, resized, pad, network, length in zip(
            letterbox.source_size_wh[::-1], letterbox.resized_size_wh[::-1],
            (letterbox.pad_top, letterbox.pad_left), letterbox.network_size_wh[::-1], shape):
        centres = (np.arange(source) + 0.5) * (resized / source) + pad
        cells.append(np.clip((centres * (length / network)).astype(np.intp), 0, length - 1))
    return cells[0], cells[1]


_OUTPUTS: dict[str, tuple[int | str, ...]] = {'class_map': (1, 'h', 'w'), 'checksum': (1,)}
TASK = Task('semantic', (
    OutputFormat('semantic', _OUTPUTS, semantic),
    OutputFormat('semantic_scored', {**_OUTPUTS, 'confidence': (1, 'h', 'w')}, semantic)),
            draw, describe)
