# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task tensors: the outputs of a network, passed on unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class RawTensors:
    """
    The outputs of a network for one sample.

    :param by_name: arrays in the order of the network's outputs, without states: floats as
        float32, other dtypes unchanged.
    """

    by_name: dict[str, NDArray[Any]]


def tensors(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> RawTensors:
    """Return copies of the outputs; reject only values that are not finite."""
    for name, values in outputs.items():
        check_finite(name, values)
    return RawTensors({name: np.array(
        values, np.float32 if values.dtype.kind == 'f' else values.dtype)
        for name, values in outputs.items()})


def draw(image_bgr: NDArray[np.uint8], result: RawTensors, labels: Labels) -> None:
    """Draw nothing: the meaning of the values is unknown."""


def describe(result: RawTensors, labels: Labels) -> dict[str, Any]:
    """Return shape, range and mean of each output, as plain values for JSON."""
    return {'tensors': {name: {'shape': list(values.shape), 'min': float(values.min()),
                               'max': float(values.max()), 'mean': float(values.mean())}
                        for name, values in result.by_name.items()}}


TASK = Task('tensors', (OutputFormat('tensors', {}, tensors),), draw, describe)
