# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Chains of convolutions: small networks whose precision is easy to predict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto
import onnxruntime

from edge_trt_ros.convert.graph.edit import weighted_nodes
from edge_trt_ros.convert.precision.ranges import Feed, measure_ranges, TensorRange


def chain(*kernels: NDArray[Any], open_sizes: bool = False, opset: int = 18) -> onnx.ModelProto:
    """Return a network of convolutions, each with a ReLU, and a final sum as decoding node."""
    nodes, initializers, last = [], [], 'images'
    for index, kernel in enumerate(kernels):
        initializers.append(numpy_helper.from_array(kernel.astype(np.float32), f'kernel_{index}'))
        nodes += [helper.make_node('Conv', [last, f'kernel_{index}'], [f'conv_{index}'],
                                   name=f'conv_{index}'),
                  helper.make_node('Relu', [f'conv_{index}'], [f'relu_{index}'])]
        last = f'relu_{index}'
    nodes.append(helper.make_node('Add', [last, 'shift'], ['out']))
    initializers.append(numpy_helper.from_array(np.full(1, 300.3, np.float32), 'shift'))
    sizes = ['b', 'h', 'w'] if open_sizes else [1, 8, 8]
    shape = [sizes[0], 3, *sizes[1:]]
    model = helper.make_model(helper.make_graph(
        nodes, 'chain', [helper.make_tensor_value_info('images', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, [
            sizes[0], kernels[-1].shape[0], *sizes[1:]])], initializers),
        opset_imports=[helper.make_opsetid('', opset)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


def random_kernel(seed: int, shape: tuple[int, ...] = (3, 3, 1, 1)) -> NDArray[np.float64]:
    """Return a seeded kernel."""
    return np.random.default_rng(seed).normal(0, 0.5, shape)


def feeds(count: int = 4, scale: float = 1.0) -> list[Feed]:
    """Return seeded inputs of a chain."""
    random = np.random.default_rng(1)
    return [{'images': scale * random.random((1, 3, 8, 8), np.float32)} for _ in range(count)]


def run(model: onnx.ModelProto, feed: Mapping[str, Any]) -> NDArray[Any]:
    """Return the first output of a model, run by ONNX Runtime."""
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=['CPUExecutionProvider'])
    return np.asarray(session.run(None, dict(feed))[0])


def ranges_of(model: onnx.ModelProto, method: str = 'moving_average',
              images: Iterable[Feed] | None = None) -> dict[str, TensorRange]:
    """Measure the ranges of a chain, on seeded images by default."""
    calibration = list(feeds() if images is None else images)
    return measure_ranges(model, lambda: calibration, method, count=len(calibration),
                          tensors={node.input[0] for node in weighted_nodes(model.graph)})
