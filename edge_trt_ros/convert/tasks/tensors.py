"""Task tensors: the network's own outputs leave the device, as float32."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.values import relative_error, ValueComparison
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.tasks.tensors import RawTensors


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return nothing of its own: the network's outputs stay as they are."""
    return ()


def value_error(expected: RawTensors, actual: RawTensors) -> float:
    """Return the largest relative error of a tensor."""
    return max(map(relative_error, expected.by_name.values(), actual.by_name.values()))


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of values."""
    return ValueComparison('value', limits.score, value_error)


def share_kept(pairs: Pairs) -> float:
    """Return the mean share of each tensor's norm that the difference leaves."""
    shares = [max(0.0, 1 - float(np.linalg.norm(values - others)
                                 / max(float(np.linalg.norm(values)), 1e-12)))
              for one, other in pairs
              for values, others in zip(one.by_name.values(), other.by_name.values())]
    return float(np.mean(shares)) if shares else 1.0


TASK = ConvertTask('tensors', outputs, compare, share_kept, keeps_names=True)
