# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Append nodes to a graph (an implementation of `heads.Tail`)."""

from __future__ import annotations

from collections.abc import Sequence
import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.shapes import check_rewritten
from edge_trt_ros.errors import ModelError
from edge_trt_ros.tensor_spec import TensorSpec

PREFIX = 'edge_trt_ros'
# ReduceMax and ReduceSum with axes as an input, which the appended nodes use.
_MIN_OPSET = 18
_TYPES = {'float32': TensorProto.FLOAT, 'int32': TensorProto.INT32,
          'float16': TensorProto.FLOAT16, 'int64': TensorProto.INT64, 'int8': TensorProto.INT8,
          'uint8': TensorProto.UINT8, 'bool': TensorProto.BOOL}
# A constant with more values is named by its hash.
_NAMED_VALUES = 8


def copy_for_fusing(checked: CheckedOnnx) -> onnx.ModelProto:
    """
    Return a copy of the model with an opset that supports the appended nodes.

    :raises ModelError: if the model cannot be converted to it.
    """
    model = onnx.ModelProto()
    model.CopyFrom(checked.model)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
    if opset < _MIN_OPSET:
        try:
            model = onnx.version_converter.convert_version(model, _MIN_OPSET)
        except Exception as error:  # the converter raises RuntimeError and worse
            raise ModelError(f'the model has opset {opset} and cannot be converted to '
                             f'{_MIN_OPSET} ({error}): export it with opset {_MIN_OPSET} or '
                             'later') from error
        for entry in checked.model.metadata_props:
            if entry.key not in {kept.key for kept in model.metadata_props}:
                model.metadata_props.add(key=entry.key, value=entry.value)
    return model


def finish(model: onnx.ModelProto, outputs: Sequence[TensorSpec]) -> onnx.ModelProto:
    """
    Set the outputs of a graph, and check the graph.

    :raises ModelError: if the graph is invalid.
    """
    del model.graph.output[:]
    model.graph.output.extend(map(value_info, outputs))
    try:
        check_rewritten(model)
    except Exception as error:  # each pass of onnx raises its own exception type
        raise ModelError(f'the head could not be appended to the graph: {error}') from error
    return model


def value_info(tensor: TensorSpec) -> onnx.ValueInfoProto:
    """Return the declaration of an output for a graph."""
    return helper.make_tensor_value_info(tensor.name, _TYPES[tensor.dtype], tensor.shape)


class GraphTail:
    """
    Appends nodes and constants to a graph under names with a prefix of their own.

    :param graph: the graph, which each call extends.
    :param outputs: names of the outputs that will be appended.
    :raises ModelError: if an input or a weight has one of these names already.
    """

    def __init__(self, graph: onnx.GraphProto, outputs: tuple[str, ...]) -> None:
        self._graph = graph
        self._constants: set[str] = set()
        self._sources: dict[str, str] = {}
        taken = {name for node in graph.node for name in node.output}
        fixed = {value.name for value in (*graph.input, *graph.initializer)} & set(outputs)
        if fixed:
            raise ModelError(f"the graph has an input or a weight named {', '.join(fixed)}, as "
                             'an output is to be: export it under another name')
        for name in sorted(taken & set(outputs)):
            self._sources[name] = f'{PREFIX}/source/{name}'
            _rename(graph, name, self._sources[name])

    def source(self, output: TensorSpec) -> str:
        """Return the tensor of an output of the network, cast to float32 if it is float16."""
        name = self._sources.get(output.name, output.name)
        return name if output.dtype != 'float16' else self.cast(name, 'float32')

    def node(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        """Append a node; return the name of its last output."""
        name = f'{PREFIX}/{operator}_{len(self._graph.node)}'
        self._graph.node.append(helper.make_node(
            operator, inputs, outputs or [f'{name}_output'], name=name, **attributes))
        return str(self._graph.node[-1].output[-1])

    def cast(self, tensor: str, dtype: str, output: str = '') -> str:
        """Append a cast to 'float32' or 'int32'; return its output."""
        return self.node('Cast', [tensor], *([output] if output else []), to=_TYPES[dtype])

    def ints(self, *values: int) -> str:
        """Return the name of a constant int64 vector."""
        return self.constant(np.array(values, np.int64))

    def floats(self, *values: float) -> str:
        """Return the name of a constant float32 vector."""
        return self.constant(np.array(values, np.float32))

    def half(self) -> str:
        """Return the name of a constant 0.5, float32."""
        return self.constant(np.array(0.5, np.float32))

    def constant(self, values: NDArray[Any]) -> str:
        """Return the name of a constant."""
        text = ('_'.join(map(str, values.ravel())) if values.size <= _NAMED_VALUES else
                hashlib.sha256(values.tobytes()).hexdigest()[:16])
        name = f'{PREFIX}/constant_{values.dtype.kind}{values.ndim}_{text}'
        if name not in self._constants:
            self._constants.add(name)
            self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def columns(self, tensor: str, start: int, stop: int, axis: int) -> str:
        """Append a slice of a tensor along one axis."""
        return self.node('Slice', [tensor, self.ints(start), self.ints(stop), self.ints(axis)])

    def rows(self, tensor: str, order: str, kept: int, columns: int) -> str:
        """Append a selection of rows of [1, N, columns] by their indices [1, kept]."""
        wide = self.node('Expand', [self.node('Unsqueeze', [order, self.ints(2)]),
                                    self.ints(1, kept, columns)])
        return self.node('GatherElements', [tensor, wide], axis=1)

    def checksum(self, tensors: list[str]) -> None:
        """Append `checksum` [1], the sum of the magnitudes of all values of the tensors."""
        sums = [self.node('ReduceSum', [self.node('Abs', [tensor])], keepdims=0)
                for tensor in tensors]
        while len(sums) > 1:
            sums[:2] = [self.node('Add', sums[:2])]
        self.node('Reshape', [sums[0], self.ints(1)], 'checksum')


def _rename(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        node.input[:] = [new if name == old else name for name in node.input]
        node.output[:] = [new if name == old else name for name in node.output]
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                _rename(body, old, new)
    for value in (*graph.value_info, *graph.output):
        if value.name == old:
            value.name = new
