# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Graphs in int8: Q/DQ nodes, calibration methods, and the accuracy budget."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import numpy_helper
import pytest
from support.chains import chain, feeds, random_kernel, ranges_of, run

from edge_trt_ros.convert.graph.edit import decoding_nodes, prepared, weighted_nodes
from edge_trt_ros.convert.precision.int8 import quantize_int8
from edge_trt_ros.convert.precision.ranges import TensorRange
from edge_trt_ros.convert.precision.sensitivity import hold_budget
from edge_trt_ros.errors import BuildError


def test_qdq_is_symmetric_and_per_channel() -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1, (5, 3, 1, 1))), 19)
    quantized = quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1'])
    values = {tensor.name: numpy_helper.to_array(tensor)
              for tensor in quantized.graph.initializer}
    nodes = {node.output[0]: node for node in quantized.graph.node}
    for node in quantized.graph.node:
        if node.op_type in ('QuantizeLinear', 'DequantizeLinear'):
            assert values[node.input[2]].dtype == np.int8 and not values[node.input[2]].any()
    conv = nodes['conv_1']
    assert nodes[conv.input[0]].op_type == nodes[conv.input[1]].op_type == 'DequantizeLinear'
    assert values[nodes[conv.input[1]].input[1]].shape == (5,)
    assert np.abs(values[nodes[conv.input[1]].input[0]]).max() == 127
    for feed in feeds():
        np.testing.assert_allclose(run(quantized, feed), run(model, feed), atol=0.05)
    again = quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1'])
    assert quantized.SerializeToString(deterministic=True) == again.SerializeToString(
        deterministic=True)


@pytest.mark.parametrize('method', ['moving_average', 'min_max', 'percentile'])
def test_calibration_methods(method: str) -> None:
    model = prepared(chain(random_kernel(0)), 19)
    images = [{'images': np.full((1, 3, 8, 8), value, np.float32)} for value in (1.0, 2.0, 9.0)]
    found = ranges_of(model, method, images)['images']
    assert found.peak == 9.0
    assert found.bound == pytest.approx({'moving_average': 4.0}.get(method, 9.0), rel=1e-3)


def test_percentile_ignores_a_single_pixel() -> None:
    model = prepared(chain(random_kernel(0)), 19)
    images = [{'images': np.random.default_rng(0).random((1, 3, 8, 8), np.float32)}] * 600
    outlier = np.array(images[0]['images'])
    outlier[0, 0, 0, 0] = 100.0
    found = ranges_of(model, 'percentile', [*images, {'images': outlier}])['images']
    assert found.peak == 100.0 and found.bound < 1.1


def test_layer_with_the_largest_error_stays_in_higher_precision() -> None:
    kernels = [np.abs(random_kernel(seed)) for seed in (0, 1, 2, 9, 3, 4)]
    model = prepared(chain(*kernels), 19)
    ranges = ranges_of(model)
    ranges['relu_2'] = TensorRange(1e-3, 1.0)  # clips the input of conv_3
    nodes = [node.name for node in weighted_nodes(model.graph)]
    expected = [run(model, feed) for feed in feeds()]

    def drop_of(candidate: onnx.ModelProto) -> float:
        return max(float(np.abs(run(candidate, feed) - values).max())
                   for feed, values in zip(feeds(), expected))
    quantized = hold_budget(
        model, ranges, nodes, decoding_nodes(model.graph), feeds(), drop_of, 0.1)
    assert quantized.left == ('conv_3',) and quantized.drop <= 0.1
    assert hold_budget(model, ranges, nodes, set(), feeds(), drop_of, 99.0).left == ()
    with pytest.raises(BuildError, match='raise max_accuracy_drop, or'):
        hold_budget(model, ranges, nodes, set(), feeds(), drop_of, 0.0)
