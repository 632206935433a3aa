# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Write half precision into the graph: weights and activations in fp16 or bf16, with casts.

Inputs and outputs of the network stay float32. Nodes that must not lose precision (the decoding
of boxes, nodes whose values overflow, operators that support only float32) stay in float32
between casts. In a quantised graph, the int8 layers stay and the rest becomes fp16.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.graph.edit import names_in_subgraphs, prepared, pruned, tensor_types

# Operators that ONNX or TensorRT's parser supports only in float32.
_FLOAT32_OPERATORS = frozenset({
    'CumSum', 'If', 'Loop', 'NonMaxSuppression', 'RandomNormalLike', 'RandomUniformLike', 'Range',
    'RoiAlign', 'Scan', 'ScatterElements', 'ScatterND'})
_NOT_IN_BF16 = frozenset({'ConvTranspose', 'HardSwish', 'TopK'})
# The regions and scales of a resize are float32 for all input types.
_FLOAT32_INPUTS = {'Resize': (1, 2), 'Upsample': (1,)}
# They read the lengths of a tensor, not its values.
_LENGTHS = frozenset({'Shape', 'Size'})
# Minimum opsets, for fp16 scales of Q/DQ and for bf16 convolutions and pools.
_OPSETS = {'fp16': 19, 'bf16': 22}


def to_low_precision(model: onnx.ModelProto, precision: str, keep: Collection[str] = ()
                     ) -> onnx.ModelProto:
    """
    Return a copy that computes in half precision.

    :param model: a float32 graph, with or without int8 Q/DQ; not modified.
    :param precision: 'fp16' or 'bf16'.
    :param keep: names of nodes that stay in float32, as `graph.edit.prepared` names them.
    :raises ModelError: if the graph cannot be converted to the opset that the precision needs.
    """
    model = prepared(model, _OPSETS[precision])
    _Casts(model.graph, precision, keep).run()
    return pruned(model)


class _Casts:
    """Converts a graph in a single pass over its nodes."""

    def __init__(self, graph: onnx.GraphProto, precision: str, keep: Collection[str]) -> None:
        half = precision == 'fp16'
        self._graph = graph
        self._low = TensorProto.FLOAT16 if half else TensorProto.BFLOAT16
        self._dtype = np.dtype(np.float16 if half else ml_dtypes.bfloat16)
        self._largest = float(ml_dtypes.finfo(self._dtype).max)
        self._keep = frozenset(keep)
        self._operators = _FLOAT32_OPERATORS | (frozenset() if half else _NOT_IN_BF16)
        self._types = tensor_types(graph)
        self._now = dict(self._types)
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._cast: dict[tuple[str, int], str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._float32_tensors = names_in_subgraphs(graph) | _range_chain(graph)

    def run(self) -> None:
        for node in self._graph.node:
            self._convert(node)
        for output in self._graph.output:
            if self._now.get(output.name) == self._low:
                self._restore_output(output.name)
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self._nodes)

    def _convert(self, original: onnx.NodeProto) -> None:
        node = onnx.NodeProto.FromString(original.SerializeToString())
        stays = (node.name in self._keep or node.op_type in self._operators
                 or node.domain not in ('', 'ai.onnx')
                 or not self._float32_tensors.isdisjoint(node.output))
        wanted = TensorProto.FLOAT if stays else self._low
        float32_inputs = _FLOAT32_INPUTS.get(node.op_type, ())
        for index, name in enumerate(node.input):
            # A cast accepts all input types.
            if self._types.get(name) == TensorProto.FLOAT and (
                    node.op_type != 'Cast' or name in self._constants):
                node.input[index] = self._as(
                    name, TensorProto.FLOAT if index in float32_inputs else wanted)
        if not stays:
            self._lower_attributes(node)
        for name in node.output:
            if self._types.get(name) == TensorProto.FLOAT:
                self._now[name] = wanted
        self._nodes.append(node)

    def _as(self, name: str, kind: int) -> str:
        """Return the name of a tensor in another type; cast it if it is not cast yet."""
        if self._now.get(name) == kind:
            return name
        if (name, kind) not in self._cast:
            suffix = 'float32' if kind == TensorProto.FLOAT else self._dtype.name
            self._cast[name, kind] = f'{name}/{suffix}'
            if name in self._constants:
                self._graph.initializer.append(numpy_helper.from_array(
                    self._lowered(self._constants[name]), self._cast[name, kind]))
            else:
                self._nodes.append(helper.make_node(
                    'Cast', [name], [self._cast[name, kind]], to=kind,
                    name=f'{self._cast[name, kind]}/cast'))
        return self._cast[name, kind]

    def _lowered(self, tensor: onnx.TensorProto) -> NDArray[Any]:
        # Constants that stand for infinity (masks, bounds of a clip) become the largest number.
        values = numpy_helper.to_array(tensor).astype(np.float32)
        return np.asarray(np.clip(values, -self._largest, self._largest), self._dtype)

    def _lower_attributes(self, node: onnx.NodeProto) -> None:
        for attribute in node.attribute:
            if attribute.name in ('to', 'dtype') and attribute.i == TensorProto.FLOAT:
                attribute.i = self._low
            if attribute.name == 'value' and node.op_type == 'ConstantOfShape' \
                    and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(numpy_helper.from_array(
                    self._lowered(attribute.t), attribute.t.name))

    def _restore_output(self, name: str) -> None:
        inner = f'{name}/{self._dtype.name}'
        for node in self._nodes:
            node.input[:] = [inner if tensor == name else tensor for tensor in node.input]
            node.output[:] = [inner if tensor == name else tensor for tensor in node.output]
        self._nodes.append(helper.make_node(
            'Cast', [inner], [name], to=TensorProto.FLOAT, name=f'{name}/cast'))


def _range_chain(graph: onnx.GraphProto) -> set[str]:
    """Return the tensors that a Range depends on, which TensorRT supports only in float32."""
    chain: set[str] = set()
    for node in reversed(graph.node):
        if node.op_type == 'Range' or (
                not chain.isdisjoint(node.output) and node.op_type not in _LENGTHS):
            chain.update(node.input)
    return chain
