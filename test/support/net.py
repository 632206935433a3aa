# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build an ONNX graph node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64


class Net:
    """A graph under construction whose input is an image of `size_wh`."""

    def __init__(self, size_wh: tuple[int, int], seed: int) -> None:
        self.size_wh, self.random = size_wh, np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info(
            'images', FLOAT, [1, 3, size_wh[1], size_wh[0]])]

    def __call__(self, operator: str, *inputs: Any, outputs: Sequence[str] = (),
                 domain: str = '', **attributes: Any) -> str:
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        results = list(outputs) or [f'{operator}_{len(self.nodes)}']
        self.nodes.append(helper.make_node(operator, names, results, domain=domain, **attributes))
        return results[0]

    def constant(self, values: Any) -> str:
        array = np.asarray(values)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        name = f'weight_{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def cells(self, stride: int, channels: int, image: str = 'images') -> str:
        """Return [1, channels, h, w], a convolution of the mean of each cell."""
        pool = self('AveragePool', image, kernel_shape=[stride] * 2, strides=[stride] * 2)
        return self('Conv', pool, self.random.normal(0, 4, (channels, 3, 1, 1)),
                    self.random.normal(-1, 1, channels))

    def rows(self, stride: int, channels: int, image: str = 'images') -> str:
        """Return [1, cells, channels]."""
        flat = self('Reshape', self.cells(stride, channels, image), np.array([1, channels, -1]))
        return self('Transpose', flat, perm=[0, 2, 1])

    def part(self, tensor: str, start: int, stop: int, axis: int) -> str:
        return self('Slice', tensor, np.array([start]), np.array([stop]), np.array([axis]))

    def model(self, outputs: dict[str, tuple[int, list[Any]]], labels: int = 0,
              check: bool = True) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, 'net', self.inputs,
            [helper.make_tensor_value_info(name, *spec) for name, spec in outputs.items()],
            self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
        if labels:
            model.metadata_props.add(
                key='names', value=str([f'c{index}' for index in range(labels)]))
        if check:
            onnx.checker.check_model(model, full_check=True)
        return model

    def corners(self) -> tuple[str, str]:
        """Return boxes [1, cells, 4] in pixels and logits of one class [1, cells, 1]."""
        rows = self.rows(8, 5)
        size = np.array([*self.size_wh] * 2)
        low = self('Mul', self('Sigmoid', self.part(rows, 0, 2, 2)), size[:2] * .6)
        span = self('Mul', self('Sigmoid', self.part(rows, 2, 4, 2)), size[:2] * .4)
        return self('Concat', low, self('Add', low, span), axis=2), self.part(rows, 4, 5, 2)
