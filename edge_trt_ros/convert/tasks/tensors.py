# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task tensors: the device returns the network's own outputs as float32."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.values import ValueComparison
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return no additional outputs: the network's outputs stay as they are."""
    return ()


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of values."""
    return ValueComparison(limits)


def share_kept(pairs: Pairs) -> float:
    """Return the mean of 1 - |reference - values| / |reference| over the tensors, at least 0."""
    shares = [max(0.0, 1 - float(np.linalg.norm(reference - values)
                                 / max(float(np.linalg.norm(reference)), 1e-12)))
              for expected, actual in pairs
              for reference, values in zip(expected.by_name.values(), actual.by_name.values())]
    return float(np.mean(shares)) if shares else 1.0


TASK = ConvertTask('tensors', outputs, compare, share_kept, keeps_names=True)
