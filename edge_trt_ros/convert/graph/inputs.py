# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inputs of a network: one image, or the tokens of a text; open dimensions are fixed."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

import onnx

from edge_trt_ros.errors import ModelError
from edge_trt_ros.tensor_spec import TensorSpec

# Inputs of a network that reads texts, and the part of the tokens that fills each.
TEXT_PARTS = {'input_ids': 'ids', 'attention_mask': 'attention_mask',
              'token_type_ids': 'token_types'}
_DTYPE_NAMES = {
    onnx.TensorProto.FLOAT: 'float32', onnx.TensorProto.FLOAT16: 'float16',
    onnx.TensorProto.BFLOAT16: 'bfloat16', onnx.TensorProto.UINT8: 'uint8',
    onnx.TensorProto.INT8: 'int8', onnx.TensorProto.INT32: 'int32',
    onnx.TensorProto.INT64: 'int64', onnx.TensorProto.BOOL: 'bool',
}


def graph_inputs(graph: onnx.GraphProto) -> dict[str, onnx.ValueInfoProto]:
    """Return the inputs by name, without the weights that older files list as inputs."""
    weights = {tensor.name for tensor in graph.initializer}
    return {value.name: value for value in graph.input if value.name not in weights}


def reads_text(graph: onnx.GraphProto) -> bool:
    """Return whether the inputs of a network are the tokens of a text."""
    inputs = graph_inputs(graph)
    return 'input_ids' in inputs and set(inputs) <= set(TEXT_PARTS) and all(
        len(value.type.tensor_type.shape.dim) == 2 and value.type.tensor_type.elem_type in (
            onnx.TensorProto.INT64, onnx.TensorProto.INT32) for value in inputs.values())


def tensor_spec(value: onnx.ValueInfoProto, path: Path) -> TensorSpec:
    """
    Return name, dtype and shape of an input or output; an open dimension is -1.

    :raises ModelError: for a dtype that no back end supports.
    """
    tensor = value.type.tensor_type
    dtype = _DTYPE_NAMES.get(tensor.elem_type)
    if dtype is None:
        names = {number: name for name, number in onnx.TensorProto.DataType.items()}
        kind = names.get(tensor.elem_type, f'number {tensor.elem_type}')
        raise ModelError(f"{path}: tensor '{value.name}' has type {kind}, supported are "
                         f"{', '.join(_DTYPE_NAMES.values())}")
    shape = tuple(dim.dim_value if dim.HasField('dim_value') and dim.dim_value > 0 else -1
                  for dim in tensor.shape.dim)
    return TensorSpec(value.name, dtype, shape)


def input_specs(model: onnx.ModelProto, path: Path) -> tuple[TensorSpec, ...]:
    """
    Return the input tensors of a network that reads one image or one text.

    :raises ModelError: for any other network.
    """
    specs = tuple(tensor_spec(value, path) for value in graph_inputs(model.graph).values())
    if reads_text(model.graph) or (
            len(specs) == 1 and len(specs[0].shape) == 4 and specs[0].shape[1] in (3, -1)
            and specs[0].shape[0] in (1, -1)):
        return specs
    sides = specs[0].shape[1::2] if len(specs) == 1 and len(specs[0].shape) == 4 else (3,)
    channels = min(sides)
    if channels not in (-1, 1, 3):
        raise ModelError(f'{path} reads an image of {channels} channels ({specs[0]}), expected 1 '
                         'or 3: export it for gray or colour images, or state the task tensors '
                         'and provide the tensor yourself', code='channels_unsupported')
    raise ModelError(f'{path} has the inputs [{"; ".join(map(str, specs))}], expected one image '
                     'of shape [1, 3, height, width], or input_ids and attention_mask of a text: '
                     'describe other inputs in a tensor contract, with --tensor-contract',
                     code='contract_missing')


def shape_in_metadata(graph: onnx.GraphProto, metadata: Mapping[str, str]) -> tuple[int, ...]:
    """
    Return the shape that the metadata `imgsz`, [height, width], states for an open image.

    :param graph: the graph.
    :param metadata: the metadata properties of the file.
    :returns: 1, 3, height and width; empty if the input is not open or nothing is stated.
    """
    values = list(graph_inputs(graph).values())
    dims = values[0].type.tensor_type.shape.dim if len(values) == 1 else []
    if len(dims) != 4 or all(dim.dim_value > 0 for dim in dims[2:]):
        return ()
    try:
        height, width = ast.literal_eval(metadata.get('imgsz', ''))
        return (1, 3, int(height), int(width)) if min(height, width) > 0 else ()
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return ()


def fix_input_shape(model: onnx.ModelProto, wanted: tuple[int, ...], path: Path) -> None:
    """
    Fix the open dimensions of the inputs in place.

    :param model: the model.
    :param wanted: 1, 3, height and width of an image, or 1 and the length of a text; an empty
        shape fixes only an open batch dimension.
    :param path: path of the file, for messages.
    :raises ModelError: if `wanted` does not match the inputs, or if a dimension stays open.
    """
    specs = input_specs(model, path)
    shown = '; '.join(map(str, specs))
    if wanted and len(wanted) != len(specs[0].shape):
        raise ModelError(f'{path} has the input {shown}, which input_shape {list(wanted)} does '
                         'not fit: expected 1, 3, height and width of an image, or 1 and the '
                         'length of a text')
    if not wanted and all(-1 not in spec.shape[1:] for spec in specs):
        wanted = (1, *specs[0].shape[1:])  # the nodes run one sample at a time
    if not wanted:
        raise ModelError(f'{path} leaves dimensions of its input open ({shown}): set input_shape, '
                         'for example 1x3x640x640, or 1x128 for texts')
    if any(have not in (-1, want) for spec in specs for have, want in zip(spec.shape, wanted)):
        raise ModelError(f'{path} has the input {shown}, which input_shape {list(wanted)} does '
                         'not fit: correct input_shape or export with dynamic axes')
    if all(spec.shape == wanted for spec in specs):
        return
    for value in graph_inputs(model.graph).values():
        for dim, length in zip(value.type.tensor_type.shape.dim, wanted):
            dim.dim_value = length
    _remove_open_shapes(model.graph)


def _remove_open_shapes(graph: onnx.GraphProto) -> None:
    """Remove the exporter's shapes of open dimensions, which contradict the fixed ones."""
    del graph.value_info[:]
    for output in graph.output:
        for dim in output.type.tensor_type.shape.dim:
            if dim.HasField('dim_param'):
                dim.Clear()
