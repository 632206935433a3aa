# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Open the batch of a graph that computes one sample, and check that samples stay separate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper

from edge_trt_ros.convert.graph.inputs import graph_inputs
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import ModelError

_AXIS = 'batch'
# Of the largest value of an output: kernels for another batch add in another order.
_TOLERANCE = 1e-3


def open_batch(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy of a graph for one sample whose inputs and outputs have an open batch.

    Exporters write the batch of 1 into the shapes of reshapes. There it becomes the batch of the
    tensor that is reshaped.

    :param model: the graph; not modified.
    """
    opened = onnx.ModelProto()
    opened.CopyFrom(model)
    graph = opened.graph
    inferred = onnx.shape_inference.infer_shapes(opened, data_prop=True).graph
    lengths = {value.name: value.type.tensor_type.shape.dim[0].dim_value
               for value in (*inferred.value_info, *inferred.input, *inferred.output)
               if value.type.tensor_type.shape.dim}
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants.update({node.output[0]: node.attribute[0].t for node in graph.node
                      if node.op_type == 'Constant' and node.attribute[0].name == 'value'})
    for node in graph.node:
        is_plain = node.op_type == 'Reshape' and not any(
            attribute.name == 'allowzero' and attribute.i for attribute in node.attribute)
        if is_plain and node.input[1] in constants and lengths.get(node.input[0]) == 1:
            shape = numpy_helper.to_array(constants[node.input[1]]).copy()
            if shape.size and shape[0] == 1:
                shape[0] = 0  # the length of the reshaped tensor
                node.input[1] = f'{node.output[0]}/{_AXIS}'
                graph.initializer.append(numpy_helper.from_array(shape, node.input[1]))
    del graph.value_info[:]
    for value in (*graph_inputs(graph).values(), *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = _AXIS
    return opened


def check_batch(model: onnx.ModelProto) -> None:
    """
    Check that a graph computes each sample of a batch as it computes that sample alone.

    :param model: the graph for one sample, in float32; not modified.
    :raises ModelError: if it does not.
    """
    names = [output.name for output in model.graph.output]
    samples = [_noise(model, seed) for seed in range(2)]
    both = {name: np.concatenate([sample[name] for sample in samples]) for name in samples[0]}
    alone = [run_session(open_session(model), names, sample) for sample in samples]
    try:
        together = run_session(open_session(open_batch(model)), names, both)
    except ModelError as error:
        raise ModelError(
            f'the network computes single images only ({error}): export it with an open batch, '
            'or set max_batch to 1', code='batch_fixed') from error
    for place, found in enumerate(alone):
        for name, expected, values in zip(names, found, together):
            if len(values) != 2 or _differ(expected[0], values[place]):
                raise ModelError(
                    f"the network mixes the images of a batch: its output '{name}' for an image "
                    'depends on the other image, or has no batch; set max_batch to 1',
                    code='batch_fixed')


def _noise(model: onnx.ModelProto, seed: int) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(seed)
    found = {}
    for name, value in graph_inputs(model.graph).items():
        tensor = value.type.tensor_type
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        noise = random.random([dim.dim_value for dim in tensor.shape.dim])
        found[name] = (noise if np.issubdtype(dtype, np.floating) else 255 * noise).astype(dtype)
    return found


def _differ(expected: NDArray[Any], found: NDArray[Any]) -> bool:
    if expected.shape != found.shape:
        return True
    largest = float(np.abs(expected).max(initial=0.0))
    return not np.allclose(expected, found, rtol=0, atol=_TOLERANCE * largest, equal_nan=True)
