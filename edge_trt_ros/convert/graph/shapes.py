# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Check that a graph is valid, and infer the shapes of its outputs.

onnx's inference gives up on some exports: it does not follow a length from a Shape through a
Slice, as in BERT, or through an Expand, as in RT-DETR. ONNX Runtime folds such constants first,
so it is asked for what onnx leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator

import onnx

from edge_trt_ros.convert.graph.edit import bodies
from edge_trt_ros.convert.graph.session import open_session
from edge_trt_ros.errors import first_line, ModelError


def check_and_infer(model: onnx.ModelProto, path: object) -> None:
    """
    Check a model, and replace the shapes of its outputs by the inferred ones, in place.

    :param model: the model; its nodes are sorted if they are not.
    :param path: path of its file, for the message.
    :raises ModelError: if the model is not valid.
    """
    sort_nodes(model.graph)
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # each pass of onnx raises its own exception type
        raise _invalid(path, error) from error
    problem: Exception | None = None
    outputs = list(model.graph.output)
    try:
        onnx.checker.check_model(model, full_check=True)
        outputs = list(onnx.shape_inference.infer_shapes(
            model, strict_mode=True, data_prop=True).graph.output)
    except Exception as error:  # as above
        problem = error
    # Keep only the shapes of the outputs: with the inner shapes, ONNX Runtime 1.32 assumes that
    # a torchvision RetinaNet always detects something, and fails if it does not.
    if problem or any(_is_open(output) for output in outputs):
        try:
            outputs = _as_onnx_runtime_infers(model, outputs)
        except ModelError:
            if problem:
                raise _invalid(path, problem) from problem
    copies = [onnx.ValueInfoProto.FromString(output.SerializeToString()) for output in outputs]
    del model.graph.output[:]
    model.graph.output.extend(copies)


def check_rewritten(model: onnx.ModelProto) -> None:
    """
    Check a graph that was rewritten; onnx raises what is wrong.

    A graph whose shapes onnx cannot infer passes if ONNX Runtime loads it.
    """
    try:
        onnx.checker.check_model(model, full_check=True)
    except onnx.shape_inference.InferenceError:
        onnx.checker.check_model(model)
        open_session(model)


def sort_nodes(graph: onnx.GraphProto) -> None:
    """
    Sort nodes in place so that each follows those that it depends on; in branches as well.

    Some exporters append their casts at the end. A graph with a cycle is not changed.
    """
    for node in graph.node:
        for body in bodies(node):
            sort_nodes(body)
    made_here = {name for node in graph.node for name in node.output if name}
    made: set[str] = set()
    waiting, ordered = list(graph.node), []
    while waiting:
        later = []
        for node in waiting:
            if (set(_reads(node)) & made_here) <= made:
                ordered.append(node)
                made.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            return
        waiting = later
    if ordered != list(graph.node):
        copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
        del graph.node[:]
        graph.node.extend(copies)


def _reads(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors that a node reads, including those that its branches read."""
    yield from node.input
    for body in bodies(node):
        own = {name for inner in body.node for name in inner.output}
        own |= {value.name for value in (*body.input, *body.initializer)}
        for inner in body.node:
            yield from (name for name in _reads(inner) if name not in own)
        yield from (output.name for output in body.output if output.name not in own)


def _is_open(output: onnx.ValueInfoProto) -> bool:
    tensor = output.type.tensor_type
    return not tensor.HasField('shape') or any(dim.dim_value < 1 for dim in tensor.shape.dim)


def _as_onnx_runtime_infers(model: onnx.ModelProto, outputs: list[onnx.ValueInfoProto]
                            ) -> list[onnx.ValueInfoProto]:
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    for value in asked.graph.output:
        value.type.tensor_type.ClearField('shape')  # a declared shape could hide the inferred one
    found = {}
    for output, known in zip(outputs, open_session(asked).get_outputs()):
        made = onnx.ValueInfoProto.FromString(output.SerializeToString())
        made.type.tensor_type.ClearField('shape')
        for length in known.shape:
            dim = made.type.tensor_type.shape.dim.add()
            if isinstance(length, int) and length > 0:
                dim.dim_value = length
        found[output.name] = made
    return [found[output.name] for output in outputs]


def _invalid(path: object, error: Exception) -> ModelError:
    return ModelError(f'{path} is not a valid ONNX model: {first_line(error)}; export it again')
