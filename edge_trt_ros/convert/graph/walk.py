"""Walking a graph from its outputs towards its inputs: which operators compute a tensor."""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from edge_trt_ros.convert.graph.edit import all_nodes

_MOVING = ('Cast', 'Flatten', 'Gather', 'Identity', 'Reshape', 'Slice', 'Split', 'Squeeze',
           'Transpose', 'Unsqueeze')


def makers(graph: onnx.GraphProto, tensors: Sequence[str]) -> set[str]:
    """
    Return the operators that compute tensors; operators that only move values are skipped.

    :param graph: not modified.
    :param tensors: their names.
    """
    by_output = {name: node for node in graph.node for name in node.output}
    found, waiting, seen = set(), list(tensors), set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op_type == 'Concat':
            waiting += node.input
        elif node.op_type in _MOVING:
            waiting.append(node.input[0])
        elif node.op_type != 'Constant':
            found.add(node.op_type)
    return found


def operators_before(graph: onnx.GraphProto, tensor: str) -> set[str]:
    """
    Return the operators between a tensor and the convolutions before it.

    :param graph: not modified.
    :param tensor: its name.
    """
    by_output = {name: node for node in graph.node for name in node.output}
    found, waiting, seen = set(), [tensor], set()
    while waiting:
        node = by_output.get(waiting.pop())
        if node is not None and id(node) not in seen and node.op_type != 'Conv':
            seen.add(id(node))
            found.add(node.op_type)
            waiting += node.input
    return found


def has_operator(graph: onnx.GraphProto, name: str) -> bool:
    """Return whether an operator occurs in a graph, its branches and loops included."""
    return any(node.op_type == name for node in all_nodes(graph))
