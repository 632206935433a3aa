"""The labelled boxes of one image, which detections are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class LabelledBoxes:
    """
    What is in one image.

    :param boxes_xyxy: float (n, 4), source pixels.
    :param class_ids: int64 (n,).
    :param ignored: bool (n,), what neither counts as missed nor as wrong.
    """

    boxes_xyxy: NDArray[Any]
    class_ids: NDArray[np.int64]
    ignored: NDArray[np.bool_]
