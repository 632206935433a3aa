# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The labelled objects of one image, against which detections are scored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledBoxes:
    """
    The objects in one image.

    :param boxes_xyxy: float (n, 4), source pixels.
    :param class_ids: int64 (n,).
    :param ignored: bool (n,), true for an object that counts neither as missed nor as a false
        alarm (COCO's crowds).
    """

    boxes_xyxy: NDArray[Any]
    class_ids: NDArray[np.int64]
    ignored: NDArray[np.bool_]

    def of_class(self, class_id: int) -> LabelledBoxes:
        """Return the objects of one class."""
        rows = self.class_ids == class_id
        return LabelledBoxes(self.boxes_xyxy[rows], self.class_ids[rows], self.ignored[rows])
