# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small detectors with the heads of real networks, built in code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

STRIDES = (8, 16, 32)
LABELS = ('car', 'truck', 'pedestrian')


def dense_model(size_wh: tuple[int, int] = (64, 64), classes: int = 3, opset: int = 18,
                metadata: Mapping[str, str] | None = None, batch: int | str = 1,
                weight: float = 4.0) -> onnx.ModelProto:
    """
    Return a network with an Ultralytics v8 head, [1, 4 + classes, anchors].

    Each cell computes a box and a score for each class from the mean colour of its pixels, so
    every pixel affects the result.
    """
    width, height = size_wh
    rows = 4 + classes
    random = np.random.default_rng(classes)
    initializers, nodes, parts = [], [], []
    for stride in STRIDES:
        kernel = random.normal(0, weight, (rows, 3, 1, 1)).astype(np.float32)
        bias = random.normal(-2, 1, rows).astype(np.float32)
        initializers += [numpy_helper.from_array(kernel, f'kernel_{stride}'),
                         numpy_helper.from_array(bias, f'bias_{stride}'),
                         numpy_helper.from_array(np.array([1, rows, -1]), f'shape_{stride}')]
        nodes += [
            helper.make_node('AveragePool', ['images'], [f'pool_{stride}'], kernel_shape=[
                stride, stride], strides=[stride, stride]),
            helper.make_node('Conv', [f'pool_{stride}', f'kernel_{stride}', f'bias_{stride}'],
                             [f'conv_{stride}']),
            helper.make_node('Reshape', [f'conv_{stride}', f'shape_{stride}'],
                             [f'part_{stride}'])]
        parts.append(f'part_{stride}')
    scale = np.array([width, height, width / 2, height / 2] + [1] * classes, np.float32)
    initializers.append(numpy_helper.from_array(scale.reshape(1, rows, 1), 'scale'))
    nodes += [helper.make_node('Concat', parts, ['logits'], axis=2),
              helper.make_node('Sigmoid', ['logits'], ['sigmoids']),
              helper.make_node('Mul', ['sigmoids', 'scale'], ['output0'])]
    cells = sum((width // stride) * (height // stride) for stride in STRIDES)
    return _model(nodes, initializers, [batch, 3, height, width], [1, rows, cells],
                  default_metadata(classes) if metadata is None else metadata, opset)


def deep_model(layers: int = 300) -> onnx.ModelProto:
    """Return a dense model after many convolutions, whose build takes seconds."""
    model = dense_model()
    for node in model.graph.node:
        node.input[:] = [f'mixed_{layers - 1}' if name == 'images' else name
                         for name in node.input]
    kernel = np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1)
    nodes, last = [], 'images'
    for index in range(layers):
        model.graph.initializer.append(numpy_helper.from_array(
            np.pad(kernel, ((0, 0), (0, 0), (1, 1), (1, 1))), f'mix_{index}'))
        nodes += [helper.make_node('Conv', [last, f'mix_{index}'], [f'raw_{index}'],
                                   pads=[1, 1, 1, 1]),
                  helper.make_node('Relu', [f'raw_{index}'], [f'mixed_{index}'])]
        last = f'mixed_{index}'
    nodes += list(model.graph.node)
    rest = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(rest)
    onnx.checker.check_model(model, full_check=True)
    return model


def end_to_end_model(size_wh: tuple[int, int] = (64, 64), boxes: int = 18, classes: int = 3,
                     metadata: Mapping[str, str] | None = None) -> onnx.ModelProto:
    """Return a network with an Ultralytics v10 head, [1, boxes, 6]; scores depend on the image."""
    width, height = size_wh
    random = np.random.default_rng(boxes)
    corners = random.uniform(0, .5, (boxes, 2)), random.uniform(.5, 1, (boxes, 2))
    fixed = np.concatenate([*corners, np.zeros((boxes, 2))], 1)
    fixed *= [width, height, width, height, 1, 1]
    fixed[:, 5] = random.integers(0, classes, boxes)
    mixing = np.zeros((3, 6), np.float32)
    mixing[:, 4] = 1
    nodes = [
        helper.make_node('GlobalAveragePool', ['images'], ['mean']),
        helper.make_node('Reshape', ['mean', 'three'], ['colour']),
        helper.make_node('MatMul', ['colour', 'mixing'], ['lift']),
        helper.make_node('Mul', ['lift', 'weights'], ['weighted']),
        helper.make_node('Add', ['weighted', 'fixed'], ['output0'])]
    weights = np.linspace(.32, .01, boxes, dtype=np.float32).reshape(1, boxes, 1)
    initializers = [
        numpy_helper.from_array(np.array([1, 1, 3]), 'three'),
        numpy_helper.from_array(mixing, 'mixing'),
        numpy_helper.from_array(weights, 'weights'),
        numpy_helper.from_array(fixed[None].astype(np.float32), 'fixed')]
    return _model(nodes, initializers, [1, 3, height, width], [1, boxes, 6],
                  default_metadata(classes) if metadata is None else metadata, 18)


def anchors_model(size_wh: tuple[int, int] = (64, 64), classes: int = 3) -> onnx.ModelProto:
    """Return a network with an Ultralytics v5 head, [1, 3 * cells, 5 + classes]."""
    model = dense_model(size_wh, 3 * (5 + classes) - 4)
    rows, graph = 5 + classes, model.graph
    cells = graph.output[0].type.tensor_type.shape.dim[2].dim_value
    graph.node[-1].output[0] = 'dense'
    # The channels contain the rows of three anchors, each with the scale of a box and of scores.
    scale = np.ones((3, rows), np.float32)
    scale[:, :4] = (*size_wh, size_wh[0] / 2, size_wh[1] / 2)
    graph.initializer[-1].CopyFrom(numpy_helper.from_array(scale.reshape(1, -1, 1), 'scale'))
    graph.initializer.append(numpy_helper.from_array(
        np.array([1, 3, rows, cells]), 'anchor_shape'))
    graph.initializer.append(numpy_helper.from_array(
        np.array([1, 3 * cells, rows]), 'row_shape'))
    graph.node.extend([
        helper.make_node('Reshape', ['dense', 'anchor_shape'], ['anchors']),
        helper.make_node('Transpose', ['anchors'], ['turned'], perm=[0, 1, 3, 2]),
        helper.make_node('Reshape', ['turned', 'row_shape'], ['output0'])])
    return _model(list(graph.node), list(graph.initializer), [1, 3, *size_wh[::-1]],
                  [1, 3 * cells, rows], default_metadata(classes), 18)


def default_metadata(classes: int = 3) -> dict[str, str]:
    """Return the metadata of an Ultralytics export."""
    names = {index: LABELS[index] if index < len(LABELS) else f'class_{index}'
             for index in range(classes)}
    return {'task': 'detect', 'names': repr(names), 'stride': '32'}


def save(model: onnx.ModelProto, path: Path) -> Path:
    """Write a model; return its path."""
    onnx.save(model, str(path))
    return path


def _model(nodes: list[onnx.NodeProto], initializers: list[onnx.TensorProto],
           input_shape: list[int | str], output_shape: list[int],
           metadata: Mapping[str, str], opset: int) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes, 'tiny', [helper.make_tensor_value_info('images', TensorProto.FLOAT, input_shape)],
        [helper.make_tensor_value_info('output0', TensorProto.FLOAT, output_shape)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', opset)],
                              ir_version=9)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    return model
