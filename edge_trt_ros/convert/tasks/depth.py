# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task depth: the device returns the depth of each pixel; depths are compared."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.convert.compare.depths import DepthComparison, relative_errors
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.detect import CHECKSUM
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return the depth and the checksum."""
    return (TensorSpec('depth', 'float32', (1, *found.shape()[-2:])), CHECKSUM)


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of depths."""
    return DepthComparison(limits)


def share_kept(pairs: Pairs) -> float:
    """Return 1 minus the mean relative error, at least 0."""
    means = [float(relative_errors(expected, actual).mean()) for expected, actual in pairs]
    return max(0.0, 1 - float(np.mean(means))) if means else 1.0


TASK = ConvertTask('depth', outputs, compare, share_kept)
