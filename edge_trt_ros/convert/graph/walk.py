# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Walk a graph from its outputs to its inputs, to find the operators that compute a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from edge_trt_ros.convert.graph.edit import all_nodes

_MOVING = ('Cast', 'Flatten', 'Gather', 'GatherElements', 'Identity', 'Reshape', 'Slice', 'Split',
           'Squeeze', 'Transpose', 'Unsqueeze')


def makers(graph: onnx.GraphProto, tensors: Sequence[str]) -> set[str]:
    """
    Return the operators that compute tensors; operators that only move values are skipped.

    :param graph: not modified.
    :param tensors: their names.
    """
    by_output = {name: node for node in graph.node for name in node.output}
    found, waiting, visited = set(), list(tensors), set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is None or id(node) in visited:
            continue
        visited.add(id(node))
        if node.op_type == 'Concat':
            waiting += node.input
        elif node.op_type in _MOVING:
            waiting.append(node.input[0])
        elif node.op_type != 'Constant':
            found.add(node.op_type)
    return found


def concatenated(graph: onnx.GraphProto, tensor: str) -> tuple[str, ...]:
    """
    Return the parts that are concatenated to a tensor; the tensor itself if none are.

    :param graph: not modified.
    :param tensor: its name.
    """
    by_output = {name: node for node in graph.node for name in node.output}
    node = by_output.get(tensor)
    while node is not None and node.op_type in _MOVING:
        node = by_output.get(node.input[0])
    return tuple(node.input) if node is not None and node.op_type == 'Concat' else (tensor,)


def operators_before(graph: onnx.GraphProto, tensor: str) -> set[str]:
    """
    Return the operators between a tensor and the convolutions that it depends on.

    :param graph: not modified.
    :param tensor: its name.
    """
    by_output = {name: node for node in graph.node for name in node.output}
    found, waiting, visited = set(), [tensor], set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is not None and id(node) not in visited and node.op_type != 'Conv':
            visited.add(id(node))
            found.add(node.op_type)
            waiting += node.input
    return found


def bias_lengths(graph: onnx.GraphProto) -> set[int]:
    """
    Return the number of outputs of each convolution or matrix product with a bias.

    :param graph: not modified.
    """
    lengths = {tensor.name: tensor.dims[0] for tensor in graph.initializer
               if len(tensor.dims) == 1}
    return {lengths[name] for node in all_nodes(graph) if node.op_type in ('Conv', 'Gemm', 'Add')
            for name in node.input[-1:] if name in lengths}


def finds_peaks(graph: onnx.GraphProto) -> bool:
    """Return whether a tensor is compared with its own maximum over the neighbours."""
    pooled = {(node.output[0], node.input[0]) for node in graph.node if node.op_type == 'MaxPool'}
    return any(node.op_type == 'Equal' and (
        tuple(node.input) in pooled or tuple(reversed(node.input)) in pooled)
        for node in graph.node)


def has_operator(graph: onnx.GraphProto, name: str) -> bool:
    """Return whether an operator occurs in a graph, including its branches and loops."""
    return any(node.op_type == name for node in all_nodes(graph))
