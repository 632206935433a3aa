# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detections of one image: arrays of equal length, one row for each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Detections:
    """
    The objects that were detected in one image.

    :param boxes_xyxy: float32 (n, 4), source pixels; with `angles_rad` the boxes before rotation.
    :param scores: float32 (n,), 0 to 1.
    :param class_ids: int64 (n,), index into the labels.
    :param keypoints: float32 (n, k, 3): x, y in source pixels and a score; or None.
    :param angles_rad: float32 (n,), rotation of each box about its centre, from the x axis
        towards the y axis (clockwise in the image); or None for upright boxes.
    :raises ValueError: for a wrong shape; names the field.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    keypoints: NDArray[np.float32] | None = None
    angles_rad: NDArray[np.float32] | None = None

    def __post_init__(self) -> None:
        count = len(self.boxes_xyxy)
        _check('boxes_xyxy', self.boxes_xyxy, (count, 4))
        _check('scores', self.scores, (count,))
        _check('class_ids', self.class_ids, (count,))
        if self.keypoints is not None:
            _check('keypoints', self.keypoints, (count, None, 3))
        if self.angles_rad is not None:
            _check('angles_rad', self.angles_rad, (count,))

    def __len__(self) -> int:
        return len(self.boxes_xyxy)

    def __getitem__(self, rows: Any) -> Detections:
        """Return the detections of a boolean mask, a slice or an array of indices."""
        return Detections(
            self.boxes_xyxy[rows], self.scores[rows], self.class_ids[rows],
            None if self.keypoints is None else self.keypoints[rows],
            None if self.angles_rad is None else self.angles_rad[rows])

    @classmethod
    def empty(cls) -> Detections:
        """Return the detections of an image without any object."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.int64))


def _check(name: str, array: NDArray[Any], shape: tuple[int | None, ...]) -> None:
    if array.shape == shape:
        return
    if len(array.shape) != len(shape) or any(
            want not in (None, have) for want, have in zip(shape, array.shape)):
        expected = ', '.join('any' if length is None else str(length) for length in shape)
        raise ValueError(f'{name} has shape {array.shape}, expected ({expected})')
