# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write int8 into the graph: explicit, symmetric Q/DQ at the inputs of convolutions.

Only the inputs and weights of convolutions and matrix products are quantised: activations with a
scale per tensor, weights with a scale per output channel. Biases and other tensors stay as they
are. TensorRT fuses this form, ONNX Runtime runs it, and in measurements it was most accurate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper

from edge_trt_ros.convert.graph.edit import pruned, weighted_nodes
from edge_trt_ros.convert.precision.ranges import TensorRange

# On a CPU without VNNI, ONNX Runtime adds pairs of products in 16 bits and clips the sum, and
# 2 * 255 * 64 does not overflow.
CPU_WEIGHT = 64
# Layers at the image, and layers of each branch of a detector's head.
_FIRST_LAYERS, _HEAD_LAYERS = 2, 3
_SMALLEST_SCALE = float(np.finfo(np.float16).smallest_subnormal)


def quantize_int8(model: onnx.ModelProto, ranges: Mapping[str, TensorRange],
                  nodes: Collection[str], largest_weight: int = 127) -> onnx.ModelProto:
    """
    Return a copy in which the given nodes compute in int8.

    :param model: a result of `graph.edit.prepared`, opset 13 or later; not modified.
    :param ranges: ranges of the inputs of these nodes.
    :param nodes: names of convolutions and matrix products with constant weights.
    :param largest_weight: int8 value of the largest weight: 127, or `CPU_WEIGHT`.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    wanted = {node.name for node in weighted_nodes(graph) if node.name in nodes
              and ranges[node.input[0]].bound > 0}
    added: list[onnx.NodeProto] = []
    made: dict[tuple[str, int | None], str] = {}
    result = []
    for original in graph.node:
        node = onnx.NodeProto.FromString(original.SerializeToString())
        if node.name in wanted:
            source, weight = node.input[0], node.input[1]
            if (source, None) not in made:
                scale = _scales(np.array(ranges[source].bound))
                made[source, None] = _quantized(graph, added, source, scale)
            axis = _channel_axis(node, numpy_helper.to_array(weights[weight]))
            if (weight, axis) not in made:
                made[weight, axis] = _stored(graph, added, weights[weight], axis, largest_weight)
            node.input[0], node.input[1] = made[source, None], made[weight, axis]
        result += [*added, node]
        added.clear()
    del graph.node[:]
    graph.node.extend(result)
    return pruned(copy)


def quantizable_nodes(graph: onnx.GraphProto, ranges: Mapping[str, TensorRange],
                      leave: Collection[str]) -> list[str]:
    """Return the names of the nodes that can compute in int8, in the graph's order."""
    return [node.name for node in weighted_nodes(graph)
            if node.name not in leave and node.input[0] in ranges]


def nodes_of_detector(graph: onnx.GraphProto, nodes: list[str]) -> list[str]:
    """
    Return the nodes of a detector in int8 that leave its boxes where they are.

    The first layers see few channels with fine steps, and the branches of the head compute
    distances of which a wide box needs every step: in int8 they move the sides of wide boxes by
    tens of pixels (`doc/measurements.md`). They are left out, unless the network is so small
    that little else remains.

    :param graph: a result of `graph.edit.prepared`.
    :param nodes: names of the nodes that can compute in int8.
    """
    counted = set(nodes)
    before = _depths(list(graph.node), counted, lambda node: (node.input, node.output))
    after = _depths(list(reversed(graph.node)), counted, lambda node: (node.output, node.input))
    kept = [name for name in nodes
            if before[name] > _FIRST_LAYERS and after[name] > _HEAD_LAYERS]
    return kept if 2 * len(kept) >= len(nodes) else nodes


def _depths(nodes: list[onnx.NodeProto], counted: set[str],
            ends: Callable[[onnx.NodeProto], tuple[Iterable[str], Iterable[str]]]
            ) -> dict[str, int]:
    """Return for each counted node its number on the longest path to it, from 1."""
    reached: dict[str, int] = {}
    depths = {}
    for node in nodes:
        sources, results = ends(node)
        depth = max((reached.get(name, 0) for name in sources), default=0)
        if node.name in counted:
            depth += 1
            depths[node.name] = depth
        for name in results:
            reached[name] = max(reached.get(name, 0), depth)
    return depths


def _channel_axis(node: onnx.NodeProto, weight: NDArray[np.float32]) -> int | None:
    """Return the axis of the output channels; None if all channels share a scale."""
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == 'Conv':
        return 0
    if node.op_type == 'ConvTranspose':
        return 1 if attributes.get('group', 1) == 1 else None
    if node.op_type == 'Gemm':
        return 0 if attributes.get('transB') else 1
    return 1 if weight.ndim == 2 else None


def _scales(bound: NDArray[np.floating], largest: int = 127) -> NDArray[np.float32]:
    # Round the scales to fp16, for graphs whose other tensors are fp16.
    scales = np.asarray(bound, np.float64) / largest
    return np.maximum(np.clip(scales, 0, 65504).astype(np.float16),
                      np.float16(_SMALLEST_SCALE)).astype(np.float32)


def _quantized(graph: onnx.GraphProto, added: list[onnx.NodeProto], name: str,
               scale: NDArray[np.float32]) -> str:
    constants = _constants(graph, name, scale, np.zeros(scale.shape, np.int8))
    added += [
        helper.make_node('QuantizeLinear', [name, *constants], [f'{name}/int8'],
                         name=f'{name}/quantize'),
        helper.make_node('DequantizeLinear', [f'{name}/int8', *constants],
                         [f'{name}/dequantized'], name=f'{name}/dequantize')]
    return f'{name}/dequantized'


def _stored(graph: onnx.GraphProto, added: list[onnx.NodeProto], tensor: onnx.TensorProto,
            axis: int | None, largest: int) -> str:
    weight = numpy_helper.to_array(tensor).astype(np.float32)
    reduced_axes = tuple(index for index in range(weight.ndim) if index != axis)
    scale = _scales(np.abs(weight).max(axis=reduced_axes), largest)
    wide = scale if axis is None else np.expand_dims(scale, reduced_axes)
    codes = np.clip(np.rint(weight / wide), -largest, largest).astype(np.int8)
    name = f'{tensor.name}/axis_{axis}'
    graph.initializer.append(numpy_helper.from_array(codes, f'{name}/int8'))
    constants = _constants(graph, name, scale, np.zeros(scale.shape, np.int8))
    attributes = {} if axis is None else {'axis': axis}
    added.append(helper.make_node('DequantizeLinear', [f'{name}/int8', *constants],
                                  [f'{name}/dequantized'], name=f'{name}/dequantize',
                                  **attributes))
    return f'{name}/dequantized'


def _constants(graph: onnx.GraphProto, name: str, scale: NDArray[np.float32],
               zero: NDArray[np.int8]) -> tuple[str, str]:
    graph.initializer.extend([numpy_helper.from_array(scale, f'{name}/scale'),
                              numpy_helper.from_array(zero, f'{name}/zero_point')])
    return f'{name}/scale', f'{name}/zero_point'
