# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What is in a frame of the synthetic road, and which objects a detector has to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes

# As road data sets do (40 pixels is KITTI's limit for its easy objects): an object that is mostly
# hidden or too small to recognise counts neither as missed nor as a false alarm.
MIN_VISIBILITY = 0.5
MIN_HEIGHT_PX = 40.0


@dataclass(frozen=True)
class Truth:
    """
    The objects in one frame.

    :param boxes_xyxy: float32 (n, 4), source pixels.
    :param class_ids: int64 (n,).
    :param visibility: float32 (n,), the visible fraction of each object, 0 to 1.
    """

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    visibility: NDArray[np.float32]

    def labelled_boxes(self) -> LabelledBoxes:
        """Return the objects as labels; those that are too hidden or too small are ignored."""
        heights = self.boxes_xyxy[:, 3] - self.boxes_xyxy[:, 1]
        return LabelledBoxes(self.boxes_xyxy, self.class_ids, (
            self.visibility < MIN_VISIBILITY) | (heights < MIN_HEIGHT_PX))
