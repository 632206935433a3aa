"""
Which layers bear int8: all of them, unless the boxes change by more than the budget allows.

Each layer is quantised alone and its harm to the last features measured. The most harmful are
then left in higher precision, twice as many at each attempt, until the budget holds.
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
    A graph in int8 that holds its budget.

    :param model: the graph.
    :param left: names of the nodes that were left in higher precision for accuracy's sake.
    :param drop: what was lost, as `hold_budget`'s `drop_of` measures it.
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

    :param model: the float32 graph, from `graph_edit.prepared`; not modified.
    :param ranges: of its tensors.
    :param nodes: those that may work in int8.
    :param decoding: those that decode, for which the features are made.
    :param feeds: inputs of some calibration images.
    :param drop_of: measures the accuracy that a graph loses against float32.
    :param max_drop: how much of it may be lost.
    :param progress: called with the fraction of the ranking that is done.
    :param largest_weight: see `quantize_int8`.
    :raises BuildError: if not one node can work in int8 within the budget.
    """
    quantized = quantize_int8(model, ranges, nodes, largest_weight)
    drop = drop_of(quantized)
    if drop <= max_drop:
        return Quantized(quantized, (), drop)
    ranked = _by_harm(model, ranges, nodes, decoding, feeds[:_RANKING_IMAGES], progress)
    # Twice as many each time, and all but one in the end.
    most = len(ranked) - 1
    steps = sorted({most, *(1 << power for power in range(most.bit_length()))} - {0})
    for leave in steps:
        left = tuple(ranked[:leave])
        quantized = quantize_int8(
            model, ranges, [name for name in nodes if name not in left], largest_weight)
        drop = drop_of(quantized)
        if drop <= max_drop:
            return Quantized(quantized, left, drop)
    raise BuildError(f'int8 loses {drop:.3f} of the boxes even with {most} of {len(nodes)} '
                     f'layers left in higher precision, allowed are {max_drop}: calibrate on '
                     'images that are more like those of the robot, raise max_accuracy_drop, or '
                     'choose fp16')


def _by_harm(model: onnx.ModelProto, ranges: Mapping[str, TensorRange], nodes: Sequence[str],
             decoding: set[str], feeds: Sequence[Feed],
             progress: Callable[[float], None]) -> list[str]:
    features = _features(model.graph, decoding)
    expected = _run(model, features, feeds)
    harm = {}
    for index, name in enumerate(nodes):
        actual = _run(quantize_int8(model, ranges, [name]), features, feeds)
        harm[name] = sum(_relative_error(one, other) for one, other in zip(expected, actual))
        progress((index + 1) / len(nodes))
    return sorted(nodes, key=lambda name: -harm[name])


def _features(graph: onnx.GraphProto, decoding: set[str]) -> list[str]:
    """Return the float tensors that the decoding is made from, or the outputs without one."""
    types = tensor_types(graph)
    before = {name for node in graph.node if node.name not in decoding for name in node.output}
    made_of = {name: None for node in graph.node if node.name in decoding for name in node.input
               if name in before and types.get(name) == TensorProto.FLOAT}
    return list(made_of) or [output.name for output in graph.output
                             if types[output.name] == TensorProto.FLOAT]


def _run(model: onnx.ModelProto, names: list[str], feeds: Sequence[Feed]
         ) -> list[NDArray[np.float32]]:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    # What int8 loses, and not what this CPU's kernels add to it.
    session = open_session(copy, as_written=True)
    return [values for feed in feeds for values in run_session(session, names, feed)]


def _relative_error(expected: NDArray[np.float32], actual: NDArray[np.float32]) -> float:
    return float(np.linalg.norm(actual - expected)) / max(float(np.linalg.norm(expected)), 1e-12)
