# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small networks for tasks other than detection, with random weights."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
from support.models import dense_model


def convolution_model(shape: tuple[int, ...], metadata: Mapping[str, str], last: str = '',
                      size_wh: tuple[int, int] = (64, 64), half: bool = False,
                      seed: int = 0) -> onnx.ModelProto:
    """
    Return a network that convolves the mean colours of an image.

    :param shape: output shape: [1, C] averages the whole image, [1, C, h, w] its cells.
    :param last: the last operator, such as Softmax.
    :param half: whether the output is float16.
    """
    width, height = size_wh
    cell = [height // shape[2], width // shape[3]] if len(shape) == 4 else [16, 16]
    random = np.random.default_rng(seed)
    kernel = random.normal(0, 6, (shape[1], 3, 1, 1)).astype(np.float32)
    bias = random.normal(0, 1, shape[1]).astype(np.float32)
    nodes = [
        helper.make_node('AveragePool', ['images'], ['pool'], kernel_shape=cell, strides=cell),
        helper.make_node('Conv', ['pool', 'kernel', 'bias'], ['cells'])]
    if len(shape) == 2:
        nodes += [helper.make_node('GlobalAveragePool', ['cells'], ['mean']),
                  helper.make_node('Flatten', ['mean'], ['flat'])]
    for operator, attributes in ((last, {'axis': 1} if last == 'Softmax' else {}),
                                 ('Cast' if half else '', {'to': TensorProto.FLOAT16})):
        if operator:
            nodes.append(helper.make_node(operator, [nodes[-1].output[0]], [f'after_{operator}'],
                                          **attributes))
    nodes.append(helper.make_node('Identity', [nodes[-1].output[0]], ['output0']))
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, 'tiny', [helper.make_tensor_value_info(
            'images', TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info('output0', kind, shape)],
        [numpy_helper.from_array(kernel, 'kernel'), numpy_helper.from_array(bias, 'bias')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    for key, value in metadata.items():
        model.metadata_props.add(key=key, value=value)
    onnx.checker.check_model(model, full_check=True)
    return model


def segment_model(classes: int = 3, coefficients: int = 32, size_wh: tuple[int, int] = (64, 64)
                  ) -> onnx.ModelProto:
    """Return a network with an Ultralytics segmentation head."""
    model = dense_model(size_wh, classes + coefficients, metadata={'task': 'segment'})
    kernel = np.random.default_rng(1).normal(0, 6, (coefficients, 3, 1, 1)).astype(np.float32)
    kernel -= kernel.mean((0, 1), keepdims=True)
    model.graph.initializer.append(numpy_helper.from_array(kernel, 'prototype_kernel'))
    model.graph.node.extend([
        helper.make_node('AveragePool', ['images'], ['fine'], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node('Conv', ['fine', 'prototype_kernel'], ['output1'])])
    model.graph.output.append(helper.make_tensor_value_info(
        'output1', TensorProto.FLOAT, [1, coefficients, size_wh[1] // 4, size_wh[0] // 4]))
    onnx.checker.check_model(model, full_check=True)
    return model
