"""The class of every pixel of an image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, only_output
from edge_trt_ros.vision.postprocess import Outputs, Thresholds


@dataclass(frozen=True)
class ClassMap:
    """
    The class of every pixel, in the network's resolution.

    :param classes: integers (h, w); h and w are those of the network's output, padding and all.
    :param letterbox: the way back to the source image.
    """

    classes: NDArray[Any]
    letterbox: Letterbox

    def in_network_resolution(self) -> NDArray[Any]:
        """Return the cells that show the image, without those of padding alone; a view."""
        box = self.letterbox
        parts = []
        for pad, resized, network, length in zip(
                (box.pad_top, box.pad_left), box.resized_size_wh[::-1],
                box.network_size_wh[::-1], self.classes.shape):
            parts.append(slice(pad * length // network, -(-(pad + resized) * length // network)))
        return self.classes[parts[0], parts[1]]

    def in_source_resolution(self) -> NDArray[Any]:
        """Return the class under the centre of each pixel of the source, (H, W)."""
        rows, columns = _cells(self.letterbox, self.classes.shape)
        return np.take(np.take(self.classes, rows, 0), columns, 1)


def semantic(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Decode a fused head (see `convert.fuse_tasks`)."""
    classes = named_outputs(outputs, class_map=3, checksum=1)['class_map'][0]
    return ClassMap(classes.astype(np.uint16), letterbox)


def semantic_logits(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Decode [1, classes, height, width] of logits: the largest wins, of equal ones the first."""
    return ClassMap(only_output(outputs, 4)[0].argmax(0).astype(np.uint16), letterbox)


@lru_cache(maxsize=16)
def _cells(letterbox: Letterbox, shape: tuple[int, int]
           ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the row of the map for each row of the source, and the column for each column."""
    cells = []
    for source, resized, pad, network, length in zip(
            letterbox.source_size_wh[::-1], letterbox.resized_size_wh[::-1],
            (letterbox.pad_top, letterbox.pad_left), letterbox.network_size_wh[::-1], shape):
        centres = (np.arange(source) + 0.5) * (resized / source) + pad
        cells.append(np.clip((centres * (length / network)).astype(np.intp), 0, length - 1))
    return cells[0], cells[1]
