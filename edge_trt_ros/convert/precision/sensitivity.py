# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Choose the layers that compute in int8: all of them, unless this exceeds the accuracy budget.

Then each layer is quantised alone to measure its error in the last features. The layers with
the largest errors stay in higher precision, twice as many at each attempt, until the accuracy
drop is within the budget.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, TensorProto

from edge_trt_ros.convert.graph.edit import tensor_types
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.precision.int8 import quantize_int8
from edge_trt_ros.convert.precision.ranges import Feed, TensorRange
from edge_trt_ros.errors import BuildError

_RANKING_IMAGES = 4


@dataclass(frozen=True)
class Quantized:
    """
    A graph in int8 whose accuracy drop is within the budget.

    :param model: the graph.
    :param left: names of the nodes that stay in higher precision to keep accuracy.
    :param drop: accuracy drop, as measured by the `drop_of` of `hold_budget`.
    """

    model: onnx.ModelProto
    left: tuple[str, ...]
    drop: float


def hold_budget(model: onnx.ModelProto, ranges: Mapping[str, TensorRange],
                nodes: Sequence[str], decoding: set[str], feeds: Sequence[Feed],
                drop_of: Callable[[onnx.ModelProto], float], max_drop: float,
                progress: Callable[[float], None] = lambda fraction: None,
                largest_weight: int = 127) -> Quantized:
    """
    Quantise as many nodes as the accuracy budget allows.

    :param model: the float32 graph, a result of `graph.edit.prepared`; not modified.
    :param ranges: ranges of its tensors.
    :param nodes: names of the nodes that can compute in int8.
    :param decoding: names of the nodes that decode the features.
    :param feeds: input tensors of several calibration images.
    :param drop_of: measures the accuracy drop of a graph relative to float32.
    :param max_drop: maximum accuracy drop.
    :param progress: called with the fraction of the ranking that is done.
    :param largest_weight: see `quantize_int8`.
    :raises BuildError: if the drop exceeds the budget even with a single node in int8.
    """
    quantized = quantize_int8(model, ranges, nodes, largest_weight)
    drop = drop_of(quantized)
    if drop <= max_drop:
        return Quantized(quantized, (), drop)
    ranked = _by_harm(model, ranges, nodes, decoding, feeds[:_RANKING_IMAGES], progress)
    # Twice as many each time; the last attempt leaves a single node in int8.
    maximum = len(ranked) - 1
    steps = sorted({maximum, *(1 << power for power in range(maximum.bit_length()))} - {0})
    for leave in steps:
        left = tuple(ranked[:leave])
        quantized = quantize_int8(
            model, ranges, [name for name in nodes if name not in left], largest_weight)
        drop = drop_of(quantized)
        if drop <= max_drop:
            return Quantized(quantized, left, drop)
    raise BuildError(f'int8 loses {drop:.3f} of the boxes even with {maximum} of {len(nodes)} '
                     f'layers left in higher precision, allowed are {max_drop}: calibrate on '
                     'images that are more like those of the robot, raise max_accuracy_drop, or '
                     'choose fp16')


def _by_harm(model: onnx.ModelProto, ranges: Mapping[str, TensorRange], nodes: Sequence[str],
             decoding: set[str], feeds: Sequence[Feed],
             progress: Callable[[float], None]) -> list[str]:
    features = _features(model.graph, decoding)
    expected = _run(model, features, feeds)
    errors = {}
    for index, name in enumerate(nodes):
        actual = _run(quantize_int8(model, ranges, [name]), features, feeds)
        errors[name] = sum(map(_relative_error, expected, actual))
        progress((index + 1) / len(nodes))
    return sorted(nodes, key=lambda name: -errors[name])


def _features(graph: onnx.GraphProto, decoding: set[str]) -> list[str]:
    """Return the float tensors that the decoding nodes read, or the outputs if there are none."""
    types = tensor_types(graph)
    before = {name for node in graph.node if node.name not in decoding for name in node.output}
    features = {name: None for node in graph.node if node.name in decoding for name in node.input
                if name in before and types.get(name) == TensorProto.FLOAT}
    return list(features) or [output.name for output in graph.output
                              if types[output.name] == TensorProto.FLOAT]


def _run(model: onnx.ModelProto, names: list[str], feeds: Sequence[Feed]
         ) -> list[NDArray[np.float32]]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    # Measure the error of int8 itself, without the error of this CPU's integer kernels.
    session = open_session(copy, as_written=True)
    return [values for feed in feeds for values in run_session(session, names, feed)]


def _relative_error(expected: NDArray[np.float32], actual: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(actual - expected)) / max(float(np.linalg.norm(expected)), 1e-12)
