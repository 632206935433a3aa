# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Places the labels of boxes in an image so that no label covers another one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Place = tuple[int, int, int, int]
# Rows below the top of a box that are tried if the places next to it are taken.
_ROWS = 12


def place_labels(boxes: Sequence[Place], sizes_wh: Sequence[tuple[int, int]],
                 image_wh: tuple[int, int]) -> list[Place | None]:
    """
    Return the rectangle of each label, left, top, right and bottom in pixels.

    :param boxes: the boxes, most important first: their labels choose first.
    :param sizes_wh: width and height of each label.
    :param image_wh: width and height of the image, in which all labels lie.
    :returns: a rectangle for each label; None if there is no free place for it.
    """
    taken = np.zeros((len(boxes), 4), np.int64)  # an empty rectangle overlaps with nothing
    places: list[Place | None] = []
    for index, (box, size_wh) in enumerate(zip(boxes, sizes_wh)):
        place = next((place for place in _candidates(box, size_wh, image_wh)
                      if not _overlaps(place, taken[:index])), None)
        places.append(place)
        if place is not None:
            taken[index] = place
    return places


def _candidates(box: Place, size_wh: tuple[int, int], image_wh: tuple[int, int]
                ) -> Iterator[Place]:
    (left, top, right, bottom), (width, height) = box, size_wh
    if width > image_wh[0] or height > image_wh[1]:
        return
    corners = [(left, top - height), (right - width, top - height), (left, top), (left, bottom),
               (right - width, bottom), (right, top), (left - width, top)]
    corners += [(left, top + row * height) for row in range(1, _ROWS)]
    for x, y in corners:
        x = max(min(x, image_wh[0] - width), 0)
        y = max(min(y, image_wh[1] - height), 0)
        yield x, y, x + width, y + height


def _overlaps(place: Place, taken: NDArray[np.int64]) -> bool:
    left, top, right, bottom = place
    return bool(((left < taken[:, 2]) & (taken[:, 0] < right)
                 & (top < taken[:, 3]) & (taken[:, 1] < bottom)).any())
