# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Graphs that are not sorted, and shapes that onnx's inference leaves open."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.building import build_in_memory
from support.models import dense_model, save

from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.graph.shapes import sort_nodes
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError


def with_nodes(model: onnx.ModelProto, nodes: list[onnx.NodeProto]) -> onnx.ModelProto:
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    return model


def test_nodes_that_are_not_sorted_are_sorted(tmp_path: Path) -> None:
    model = dense_model((96, 64))
    path = save(with_nodes(model, list(model.graph.node)[::-1]), tmp_path / 'm.onnx')
    assert [str(output) for output in check_onnx(path).outputs] == [
        'output0 float32[1, 7, 126]']
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    assert built.manifest.head == 'yolo_dense'


def test_a_branch_depends_on_the_tensors_around_it() -> None:
    value = helper.make_tensor_value_info('y', TensorProto.FLOAT, [1])
    branch = helper.make_graph([helper.make_node('Identity', ['late'], ['y'])], 'b', [], [value])
    graph = helper.make_graph([
        helper.make_node('If', ['yes'], ['chosen'], then_branch=branch, else_branch=branch),
        helper.make_node('Neg', ['x'], ['late'])], 'g', [], [value])
    sort_nodes(graph)
    assert [node.op_type for node in graph.node] == ['Neg', 'If']


def test_a_cycle_is_refused(tmp_path: Path) -> None:
    model = dense_model((96, 64))
    first = model.graph.node[0]
    loop = helper.make_node('Add', [first.output[0], 'b'], ['a'])
    back = helper.make_node('Neg', ['a'], ['b'])
    path = save(with_nodes(model, [first, loop, back, *model.graph.node[1:]]),
                tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='not a valid ONNX model'):
        check_onnx(path)


def classifier_with_open_axes(batch_from_shape: bool) -> onnx.ModelProto:
    """Return a classifier whose last shape is computed from its input's, as exporters write it."""
    random = np.random.default_rng(0)
    weights = {'kernel': random.normal(0, .1, (4, 3, 3, 3)).astype(np.float32),
               'zero': np.array(0), 'axis': np.array([0]), 'width': np.array([4]),
               'table': random.normal(0, 1, (512, 4)).astype(np.float32),
               'start': np.array([0]), 'classes': random.normal(0, 1, (4, 5)).astype(np.float32)}
    nodes = [
        helper.make_node('Conv', ['images', 'kernel'], ['features']),
        helper.make_node('GlobalAveragePool', ['features'], ['pooled']),
        helper.make_node('Shape', ['images'], ['lengths']),
        helper.make_node('Gather', ['lengths', 'zero'], ['batch']),
        helper.make_node('Unsqueeze', ['batch', 'axis'], ['batch_1']),
        helper.make_node('Slice', ['table', 'start', 'batch_1', 'axis'], ['positions']),
        helper.make_node('Concat', ['batch_1', 'width'], ['shape'], axis=0),
        helper.make_node('Reshape', ['pooled', 'shape'], ['flat']),
        helper.make_node('Add', ['flat', 'positions'], ['sum']),
        helper.make_node('MatMul', ['positions' if batch_from_shape else 'sum', 'classes'],
                         ['logits'])]
    graph = helper.make_graph(
        nodes, 'net',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, ['n', 3, 'h', 'w'])],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, ['n', 5])],
        [numpy_helper.from_array(values, name) for name, values in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    model.metadata_props.add(key='task', value='classify')
    return model


@pytest.mark.parametrize('batch_from_shape', [False, True])
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_shapes_that_onnx_leaves_open_are_known_to_onnx_runtime(
        batch_from_shape: bool, precision: str, tmp_path: Path) -> None:
    path = save(classifier_with_open_axes(batch_from_shape), tmp_path / 'm.onnx')
    assert str(check_onnx(path, (1, 3, 32, 32)).outputs[0]) == 'logits float32[1, 5]'
    built = build_in_memory(path, BuildOptions(
        backend='onnxruntime', precision=precision, input_shape=(1, 3, 32, 32)))
    assert built.manifest.head == 'classify_logits'


def test_the_size_in_the_metadata_fixes_open_axes(tmp_path: Path) -> None:
    model = classifier_with_open_axes(False)
    model.metadata_props.add(key='imgsz', value='[32, 64]')
    path = save(model, tmp_path / 'm.onnx')
    assert check_onnx(path).size_wh == (64, 32)
    assert check_onnx(path, (1, 3, 16, 16)).size_wh == (16, 16)
    model.metadata_props[-1].value = 'large'
    with pytest.raises(ModelError, match='set input_shape'):
        check_onnx(save(model, tmp_path / 'm.onnx'))
