# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Turn a graph that was exported for several images into one for a single image."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edge_trt_ros.convert.graph.inputs import graph_inputs
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import ModelError

BATCH = 'batch'
SENTENCE = ('the network was exported for several images: the graph computes one, with the '
            'values that it has for the first of them')
# Operators whose constants are weights, even where their first length is that of the batch.
_WEIGHTED = ('Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'BatchNormalization',
             'InstanceNormalization', 'LayerNormalization', 'PRelu')
_RTOL = 1e-3


def reduce_batch(model: onnx.ModelProto, path: object) -> tuple[str, ...]:
    """
    Reduce a fixed batch to one image in place, and check that its values stay the same.

    :param model: the model; its only input is an image.
    :param path: path of its file, for the message.
    :returns: the name of the adaptation; empty if the batch is open or 1.
    :raises ModelError: if the batch cannot be reduced.
    """
    inputs = list(graph_inputs(model.graph).values())
    dims = inputs[0].type.tensor_type.shape.dim if len(inputs) == 1 else []
    if len(dims) != 4 or dims[0].dim_value < 2:
        return ()
    batch = dims[0].dim_value
    reduced = onnx.ModelProto()
    reduced.CopyFrom(model)
    _rewrite(reduced.graph, batch)
    if any(dim.dim_value < 1 for dim in dims) or not _agree(model, reduced):
        raise ModelError(
            f'{path} was exported for a batch of {batch}, and cannot be reduced to one image: '
            'export it with a batch of 1, or with an open batch', code='batch_not_reduced')
    model.CopyFrom(reduced)
    return (BATCH,)


def _rewrite(graph: onnx.GraphProto, batch: int) -> None:
    readers: dict[str, set[str]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(node.op_type)
    for tensor in graph.initializer:
        _shorten(tensor, readers.get(tensor.name, set()), batch)
    for node in graph.node:
        if node.op_type == 'Constant' and node.attribute[0].name == 'value':
            _shorten(node.attribute[0].t, readers.get(node.output[0], set()), batch)
    for value in (*graph_inputs(graph).values(), *graph.output):
        dims = value.type.tensor_type.shape.dim
        if dims and dims[0].dim_value == batch:
            dims[0].dim_value = 1
    del graph.value_info[:]


def _shorten(tensor: onnx.TensorProto, readers: set[str], batch: int) -> None:
    values, name = numpy_helper.to_array(tensor), tensor.name
    if readers & {'Reshape', 'Expand'} and values.ndim == 1 and values.size \
            and values[0] == batch:
        values = np.concatenate([[1], values[1:]]).astype(values.dtype)
    elif values.ndim > 1 and len(values) == batch and not readers & set(_WEIGHTED):
        values = values[:1]
    else:
        return
    tensor.CopyFrom(numpy_helper.from_array(values, name))


def _agree(model: onnx.ModelProto, reduced: onnx.ModelProto) -> bool:
    """Return whether both compute the same for the first image."""
    image = next(iter(graph_inputs(model.graph).values()))
    tensor = image.type.tensor_type
    dtype = helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = [dim.dim_value for dim in tensor.shape.dim]
    values = np.random.default_rng(0).uniform(0, 1, shape).astype(dtype)
    names = [output.name for output in model.graph.output]
    try:
        whole = run_session(open_session(model), names, {image.name: values})
        single = run_session(open_session(reduced), names, {image.name: values[:1]})
    except ModelError:
        return False
    return all(one.shape == (1, *several.shape[1:]) and np.allclose(
        one, several[:1], _RTOL, _RTOL * (float(np.abs(several[:1]).max(initial=0)) + 1e-6))
        for one, several in zip(single, whole))
