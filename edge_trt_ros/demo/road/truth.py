"""What is in a frame of the synthetic road, and what of it a detector has to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# As road data sets do (40 pixels is KITTI's limit for its easy objects): what is mostly hidden
# or too low to be told apart is neither asked for nor held against the detector.
MIN_VISIBILITY = 0.5
MIN_HEIGHT_PX = 40.0


@dataclass(frozen=True)
class Truth:
    """
    What is in one frame.

    :param boxes_xyxy: float32 (n, 4), source pixels.
    :param class_ids: int64 (n,).
    :param visibility: float32 (n,), the fraction of each object that is to be seen.
    """

    boxes_xyxy: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    visibility: NDArray[np.float32]

    def asked_for(self) -> NDArray[np.bool_]:
        """Return which objects a detector has to find, bool (n,)."""
        heights = self.boxes_xyxy[:, 3] - self.boxes_xyxy[:, 1]
        result: NDArray[np.bool_] = (
            (self.visibility >= MIN_VISIBILITY) & (heights >= MIN_HEIGHT_PX))
        return result
