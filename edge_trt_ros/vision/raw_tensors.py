"""The outputs of a network as they are, for whoever knows what they mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import check_finite, Outputs, Thresholds


@dataclass(frozen=True)
class RawTensors:
    """
    The outputs of one image.

    :param by_name: float32 arrays in the order of the network's outputs.
    """

    by_name: dict[str, NDArray[np.float32]]


def tensors(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> RawTensors:
    """Return the outputs; they are refused only if they are not finite."""
    for name, values in outputs.items():
        check_finite(name, values)
    return RawTensors({name: values.astype(np.float32) for name, values in outputs.items()})
