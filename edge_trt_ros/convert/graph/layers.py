# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Count the layers of a network by the precision they compute in."""

from __future__ import annotations

from collections import Counter
from typing import Any, TYPE_CHECKING

import onnx

if TYPE_CHECKING:
    from tensorrt import INetworkDefinition

_PRECISIONS = {'FLOAT': 'fp32', 'HALF': 'fp16', 'BF16': 'bf16', 'FP8': 'fp8', 'INT8': 'int8'}
# Layers that store, move or reshape values, and compute nothing.
_CARRIERS = {'CONSTANT', 'CAST', 'IDENTITY', 'QUANTIZE', 'DEQUANTIZE', 'SHAPE', 'SHUFFLE',
             'SLICE', 'CONCATENATION', 'GATHER', 'ASSERTION'}
_ONNX_PRECISIONS = {onnx.TensorProto.FLOAT: 'fp32', onnx.TensorProto.FLOAT16: 'fp16',
                    onnx.TensorProto.BFLOAT16: 'bf16'}
_CARRIER_OPERATORS = {
    'Cast', 'Concat', 'Constant', 'ConstantOfShape', 'DequantizeLinear', 'Expand', 'Flatten',
    'Gather', 'GatherElements', 'Identity', 'QuantizeLinear', 'Reshape', 'Shape', 'Slice',
    'Split', 'Squeeze', 'Transpose', 'Unsqueeze'}


def layer_precisions(network: INetworkDefinition) -> dict[str, Any]:
    """
    Count the computing layers of a strongly typed network by their precision.

    A layer whose input is dequantised computes in int8: the library fuses the two. Its other
    fusions are visible only in the built engine, so the result names its source.

    :param network: the parsed network.
    :returns: 'source', 'layers' (their number) and 'precisions' (name to count, largest first).
    """
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    made_by = {layer.get_output(index).name: layer.type.name
               for layer in layers for index in range(layer.num_outputs)}
    counts: Counter[str] = Counter()
    for layer in layers:
        precision = _PRECISIONS.get(layer.get_output(0).dtype.name)
        if layer.type.name in _CARRIERS or precision is None:
            continue
        source = layer.get_input(0)
        is_int8 = source is not None and made_by.get(source.name) == 'DEQUANTIZE'
        counts['int8' if is_int8 else precision] += 1
    return _counted('typed network', counts)


def node_precisions(model: onnx.ModelProto) -> dict[str, Any]:
    """
    Count the computing nodes of an ONNX graph, as `layer_precisions` does for TensorRT.

    :param model: the graph; not modified.
    """
    graph = onnx.shape_inference.infer_shapes(model).graph
    kinds = {value.name: _ONNX_PRECISIONS.get(value.type.tensor_type.elem_type)
             for value in (*graph.value_info, *graph.output)}
    dequantized = {node.output[0] for node in graph.node if node.op_type == 'DequantizeLinear'}
    counts = Counter('int8' if node.input[0] in dequantized else kinds[node.output[0]]
                     for node in graph.node if node.op_type not in _CARRIER_OPERATORS
                     and node.input and kinds.get(node.output[0]))
    return _counted('onnx graph', counts)


def _counted(source: str, counts: Counter[Any]) -> dict[str, Any]:
    return {'source': source, 'layers': sum(counts.values()),
            'precisions': dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))}
