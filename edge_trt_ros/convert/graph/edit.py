# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Helpers to rewrite a graph: prepare a copy, find nodes and tensor types, prune weights."""

from __future__ import annotations

from collections.abc import Iterator

import onnx
from onnx import helper, TensorProto

from edge_trt_ros.errors import ModelError

WEIGHTED_OPERATORS = ('Conv', 'ConvTranspose', 'Gemm', 'MatMul')


def prepared(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """
    Return a copy that can be rewritten: nodes named, constants as initializers, types inferred.

    :param model: the graph; not modified.
    :param opset: the minimum opset.
    :raises ModelError: if the graph cannot be converted to that opset.
    """
    found = next(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
    if found < opset:
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        try:
            model = onnx.version_converter.convert_version(model, opset)
        except Exception as error:  # the converter raises RuntimeError and worse
            raise ModelError(f'the model has opset {found} and cannot be converted to {opset}, '
                             f'which its precision needs ({error}): export it with opset '
                             f'{opset} or later, or choose another precision') from error
        helper.set_model_props(model, metadata)
    else:
        copy = onnx.ModelProto()
        copy.CopyFrom(model)
        model = copy
    kept = []
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f'unnamed/{node.op_type}_{index}'
        if node.op_type == 'Constant' and node.attribute[0].name == 'value':
            tensor = node.attribute[0].t
            tensor.name = node.output[0]
            model.graph.initializer.append(tensor)
        else:
            kept.append(onnx.NodeProto.FromString(node.SerializeToString()))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    try:
        return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        # The types are complete nevertheless, and the caller needs no more.
        return onnx.shape_inference.infer_shapes(model, data_prop=True)


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes of a graph, including those in its branches and loops."""
    for node in graph.node:
        yield node
        for body in bodies(node):
            yield from all_nodes(body)


def tensor_types(graph: onnx.GraphProto) -> dict[str, int]:
    """Return the element type of each tensor of a graph whose types are inferred."""
    types = {value.name: value.type.tensor_type.elem_type
             for value in (*graph.value_info, *graph.input, *graph.output)}
    return types | {tensor.name: tensor.data_type for tensor in graph.initializer}


def weighted_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the convolutions and matrix products whose weight is a constant of floats."""
    weights = {tensor.name for tensor in graph.initializer
               if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16)}
    return [node for node in graph.node
            if node.op_type in WEIGHTED_OPERATORS and node.input[1] in weights]


def decoding_nodes(graph: onnx.GraphProto) -> set[str]:
    """
    Return the names of the nodes that decode the last features into boxes and candidates.

    They follow the last convolution or matrix product of their path. They compute coordinates,
    which half precision would round to whole pixels, and their cost is negligible. A convolution
    after a softmax is one of them: it computes the mean of a distribution.
    """
    weighted = {node.name for node in weighted_nodes(graph)}
    maker = {name: node for node in graph.node for name in node.output}
    means = {node.name for node in graph.node if node.name in weighted
             and _comes_from_softmax(node, maker)}
    before_last: set[str] = set()  # tensors that a weighted node still depends on
    decoding = set()
    for node in reversed(graph.node):
        ahead = any(name in before_last for name in node.output)
        if node.name in means and not ahead:
            decoding.add(node.name)
        elif ahead or node.name in weighted:
            before_last.update(node.input)
        else:
            decoding.add(node.name)
    return decoding


def _comes_from_softmax(node: onnx.NodeProto, maker: dict[str, onnx.NodeProto]) -> bool:
    source = maker.get(node.input[0])
    while source is not None and source.op_type in ('Transpose', 'Reshape', 'Identity'):
        source = maker.get(source.input[0])
    return node.op_type == 'Conv' and source is not None and source.op_type == 'Softmax'


def pruned(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the unused initializers from a model, check it, and return it."""
    graph = model.graph
    used = {name for node in graph.node for name in node.input}
    used |= {output.name for output in graph.output} | names_in_subgraphs(graph)
    live = [onnx.TensorProto.FromString(tensor.SerializeToString())
            for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:], graph.value_info[:]
    graph.initializer.extend(live)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # each pass of onnx raises its own exception type
        raise ModelError(f'the precision could not be written into the graph ({error}): choose '
                         'another precision, or export with a later opset') from error
    return model


def names_in_subgraphs(graph: onnx.GraphProto) -> set[str]:
    """Return the names of all tensors that the subgraphs of a graph read or return."""
    names: set[str] = set()
    for node in all_nodes(graph):
        for body in bodies(node):
            names.update(name for inner in body.node for name in inner.input)
            names.update(output.name for output in body.output)
    return names


def bodies(node: onnx.NodeProto) -> list[onnx.GraphProto]:
    """Return the branches and loops of a node."""
    return [body for attribute in node.attribute for body in (
        *attribute.graphs, *([attribute.g] if attribute.HasField('g') else []))]
