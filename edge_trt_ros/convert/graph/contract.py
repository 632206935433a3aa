# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Fit a graph to its tensor contract: constants become weights, and open lengths are fixed.

What the graph and the contract state must agree: names, dtypes and shapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from edge_trt_ros.convert.graph.inputs import graph_inputs, tensor_spec
from edge_trt_ros.errors import ModelError
from edge_trt_ros.tensor_contract import ContractTensor, TensorContract


def fit_inputs(model: onnx.ModelProto, contract: TensorContract, path: Path) -> None:
    """
    Fit the inputs in place.

    :param model: the model.
    :param contract: what the user states.
    :param path: path of the file, for messages.
    :raises ModelError: if an input is missing on one side, or differs.
    """
    graph = model.graph
    found = graph_inputs(graph)
    _check_names('input', (tensor.spec.name for tensor in contract.inputs), found, path)
    opened = False
    for tensor in contract.inputs:
        value = found[tensor.spec.name]
        _check(tensor, value, path)
        dims = value.type.tensor_type.shape.dim
        opened |= any(dim.dim_value < 1 for dim in dims)
        for dim, length in zip(dims, tensor.spec.shape):
            dim.dim_value = length
        if tensor.value:
            graph.input.remove(value)
            graph.initializer.append(_constant(tensor))
    if opened:
        del graph.value_info[:]
        for output in graph.output:
            for dim in output.type.tensor_type.shape.dim:
                if dim.HasField('dim_param'):
                    dim.Clear()


def check_outputs(model: onnx.ModelProto, contract: TensorContract, path: Path) -> None:
    """
    Compare the outputs, after their shapes are inferred.

    :param model: the model.
    :param contract: what the user states.
    :param path: path of the file, for messages.
    :raises ModelError: if an output is missing on one side, differs, or depends on the values.
    """
    found = {value.name: value for value in model.graph.output}
    _check_names('output', (tensor.spec.name for tensor in contract.outputs), found, path)
    for tensor in contract.outputs:
        value = found[tensor.spec.name]
        _check(tensor, value, path)
        if -1 in tensor_spec(value, path).shape:
            raise ModelError(f"{path}: the shape of the output '{value.name}' depends on the "
                             f'values of the inputs ({tensor_spec(value, path)}), which no '
                             'contract can fix: export it with fixed shapes',
                             code='contract_shape')


def _check_names(kind: str, stated: Iterable[str], found: Iterable[str], path: Path) -> None:
    names, known = list(stated), list(found)
    unknown = [name for name in names if name not in known]
    missing = [name for name in known if name not in names]
    if unknown:
        raise ModelError(f"the tensor contract has the {kind} '{unknown[0]}', which {path} lacks: "
                         f"its {kind}s are {', '.join(known)}", code='contract_unknown')
    if missing:
        raise ModelError(f"{path} has the {kind} '{missing[0]}', which the tensor contract omits: "
                         'add it with its shape and dtype', code='contract_incomplete')


def _check(tensor: ContractTensor, value: onnx.ValueInfoProto, path: Path) -> None:
    found, stated = tensor_spec(value, path), tensor.spec
    if found.dtype != stated.dtype:
        raise ModelError(f'the tensor contract states {stated}, but {path} has {found}: correct '
                         'its dtype', code='contract_dtype')
    if len(found.shape) != len(stated.shape) or any(
            have not in (-1, want) for have, want in zip(found.shape, stated.shape)):
        raise ModelError(f'the tensor contract states {stated}, but {path} has {found}: correct '
                         'its shape, or export again', code='contract_shape')


def _constant(tensor: ContractTensor) -> onnx.TensorProto:
    values = np.empty(tensor.spec.shape, tensor.spec.dtype)
    values[...] = tensor.value[0] if len(tensor.value) == 1 else np.reshape(
        tensor.value, tensor.spec.shape)
    return numpy_helper.from_array(values, tensor.spec.name)
