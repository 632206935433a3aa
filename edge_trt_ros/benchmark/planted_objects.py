# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Objects that a network finds in every frame, so that a benchmark chooses how many there are.

The objects have different scores. The confidence threshold, which is live, selects how many are
detected: one engine serves all scenes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.options import MAX_CANDIDATES
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

# Overlapping candidates of each object, as a detector has them: NMS keeps one.
CANDIDATES_PER_OBJECT = 3
_BEST_SCORE, _SCORES = 0.9, 0.6


@dataclass(frozen=True)
class PlantedObjects:
    """
    Objects in the output of a network.

    :param values: float32 (1, 4 + classes, anchors): centre, size and a score for each class.
    :param count: number of objects.
    """

    values: NDArray[np.float32]
    count: int

    def thresholds(self, wanted: int) -> Thresholds:
        """Return thresholds that keep the best `wanted` objects."""
        below = _BEST_SCORE - (wanted - 0.5) * _SCORES / self.count
        return Thresholds(confidence=min(below, 0.95), max_detections=max(wanted, 1))


def planted_objects(output_shape: Sequence[int], network_size_wh: tuple[int, int],
                    sources_wh: Sequence[tuple[int, int]], count: int) -> PlantedObjects:
    """
    Place objects on a grid, inside of the images of all source sizes.

    :param output_shape: shape of the output: 1, 4 + classes, anchors.
    :param network_size_wh: width and height of the network's input in pixels.
    :param sources_wh: widths and heights of the source images.
    :param count: number of objects, at least 1.
    :raises ConfigurationError: if the network has too few anchors.
    """
    _, rows, anchors = output_shape
    limit = min(anchors, MAX_CANDIDATES) // CANDIDATES_PER_OBJECT
    if count > limit:
        raise ConfigurationError(f'--objects is {count}, expected at most {limit}: the network '
                                 f'returns {anchors} boxes, of which {MAX_CANDIDATES} can be '
                                 f'candidates, {CANDIDATES_PER_OBJECT} for each object')
    low, size = _common_area(network_size_wh, sources_wh)
    columns = ceil(sqrt(count * size[0] / size[1]))
    cell = size / (columns, ceil(count / columns))
    index = np.arange(count)
    centres = low + (np.stack([index % columns, index // columns], 1) + 0.5) * cell
    values = np.zeros((rows, anchors), np.float32)
    for candidate in range(CANDIDATES_PER_OBJECT):
        # Spread over all anchors, as the objects of an image are.
        anchor = (index * CANDIDATES_PER_OBJECT + candidate) * (
            anchors // (count * CANDIDATES_PER_OBJECT))
        values[:2, anchor] = (centres + 0.03 * candidate * cell).T
        values[2:4, anchor] = (0.7 * cell)[:, None]
        values[4 + index % (rows - 4), anchor] = _BEST_SCORE - index * _SCORES / count
    return PlantedObjects(values[None], count)


def _common_area(network_size_wh: tuple[int, int], sources_wh: Sequence[tuple[int, int]]
                 ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return left top and size of the area that the images of all sizes fill, in pixels."""
    fitted = [Letterbox.fit(source_wh, network_size_wh) for source_wh in sources_wh]
    low = np.max([(one.pad_left, one.pad_top) for one in fitted], 0).astype(np.float64)
    high = np.min([(one.pad_left + one.resized_size_wh[0], one.pad_top + one.resized_size_wh[1])
                   for one in fitted], 0)
    return low, high - low
