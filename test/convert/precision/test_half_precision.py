# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Graphs in fp16 and bf16: accuracy, and the nodes that stay in float32."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
from onnx.reference import ReferenceEvaluator
import pytest
from support.chains import chain, feeds, random_kernel, ranges_of, run

from edge_trt_ros.convert.graph.edit import decoding_nodes, prepared, tensor_types
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.precision.half import to_low_precision
from edge_trt_ros.convert.precision.int8 import quantize_int8
from edge_trt_ros.convert.precision.ranges import overflowing_nodes
from edge_trt_ros.convert.precision.reached import check_reached
from edge_trt_ros.errors import BuildError


@pytest.mark.parametrize('precision, error', [('fp16', 2e-3), ('bf16', 2e-2)])
def test_half_precision_is_close_to_float32(precision: str, error: float) -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1)), 19)
    low = to_low_precision(model, precision)
    if precision == 'bf16':
        low = emulated_bf16(low)
    expected, actual = run(model, feeds()[0]), run(low, feeds()[0])
    assert actual.dtype == np.float32 and not np.array_equal(expected, actual)
    np.testing.assert_allclose(actual, expected, rtol=error)


def test_decoding_nodes_stay_in_float32() -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1)), 19)
    decoding = decoding_nodes(model.graph)
    assert {node.op_type for node in model.graph.node if node.name in decoding} == {'Relu', 'Add'}
    low = to_low_precision(model, 'fp16', decoding)
    # 300.3 is 300.25 in fp16; the errors of the convolutions before it are smaller.
    expected, actual = run(model, feeds()[0]), run(low, feeds()[0])
    assert np.abs(expected - actual).max() < 0.01
    assert np.abs(expected - run(to_low_precision(model, 'fp16'), feeds()[0])).max() > 0.03


def test_open_dimensions_stay_open() -> None:
    model = prepared(chain(random_kernel(0), open_sizes=True), 19)
    low = to_low_precision(quantize_int8(model, ranges_of(model), ['conv_0']), 'fp16')
    for shape in ((1, 3, 8, 8), (2, 3, 5, 4)):
        feed = {'images': np.random.default_rng(0).random(shape, np.float32)}
        np.testing.assert_allclose(run(low, feed), run(model, feed), rtol=0.01)


def test_overflowing_nodes_stay_in_float32() -> None:
    large = np.full((3, 3, 1, 1), 20_000.0)
    model = prepared(chain(random_kernel(0), large, 1e-5 * large, random_kernel(1)), 19)
    ranges = ranges_of(model, images=feeds(scale=5.0))
    overflowing = overflowing_nodes(model.graph, ranges)
    assert {'conv_1', 'conv_2'} <= overflowing and 'conv_0' not in overflowing
    feed = feeds(scale=5.0)[0]
    # The reference evaluator of ONNX really computes fp16 nodes in fp16.
    low = to_low_precision(model, 'fp16', overflowing | decoding_nodes(model.graph))
    found = ReferenceEvaluator(low).run(None, dict(feed))[0]
    np.testing.assert_allclose(found, run(model, feed), rtol=0.01)
    with np.errstate(all='ignore'):
        spoilt = ReferenceEvaluator(to_low_precision(model, 'fp16')).run(None, dict(feed))[0]
    assert not np.isfinite(spoilt).all() or np.abs(spoilt / found - 1).max() > 0.1


def test_int8_scales_stay_positive_in_fp16() -> None:
    model = prepared(chain(1e-7 * random_kernel(0), random_kernel(1)), 19)
    low = to_low_precision(quantize_int8(model, ranges_of(model), ['conv_0', 'conv_1']), 'fp16')
    for tensor in low.graph.initializer:
        if tensor.name.endswith('scale'):
            assert (numpy_helper.to_array(tensor) > 0).all()


def sized_by_its_features() -> onnx.ModelProto:
    """Return convolutions whose decoding counts cells with a Range, as exports with open axes."""
    model = chain(random_kernel(0), random_kernel(1), open_sizes=True)
    out = model.graph.node[-1]
    weights = {'last': np.array(3), 'none': np.array(0., np.float32),
               'one': np.array(1., np.float32)}
    nodes = [helper.make_node('Shape', ['relu_1'], ['lengths']),
             helper.make_node('Gather', ['lengths', 'last'], ['width']),
             helper.make_node('Cast', ['width'], ['count'], to=TensorProto.FLOAT),
             helper.make_node('Range', ['none', 'count', 'one'], ['columns']),
             helper.make_node('Add', ['relu_1', 'columns'], ['placed']),
             helper.make_node('Add', ['placed', 'shift'], ['out'])]
    model.graph.node.remove(out)
    model.graph.node.extend(nodes)
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in weights.items())
    onnx.checker.check_model(model, full_check=True)
    return model


@pytest.mark.parametrize('precision', ['fp16', 'bf16'])
def test_a_range_that_depends_on_a_shape_leaves_the_convolutions_in_low_precision(
        precision: str) -> None:
    model = prepared(sized_by_its_features(), 19)
    low = to_low_precision(model, precision, decoding_nodes(model.graph))
    check_reached(low, precision)
    kinds = tensor_types(onnx.shape_inference.infer_shapes(low).graph)
    assert all(kinds[node.input[0]] != TensorProto.FLOAT for node in low.graph.node
               if node.op_type == 'Conv')
    if precision == 'fp16':
        np.testing.assert_allclose(run(low, feeds()[0]), run(model, feeds()[0]), rtol=1e-3)


@pytest.mark.parametrize('precision', ['fp16', 'bf16', 'int8'])
def test_a_precision_that_is_not_reached_is_a_failure(precision: str) -> None:
    model = prepared(chain(random_kernel(0), random_kernel(1)), 19)
    with pytest.raises(BuildError, match=f'0 of 2 .* in {precision}, expected at least') as error:
        check_reached(model, precision)
    assert error.value.code == 'precision_not_reached'
    check_reached(model, 'fp32')


def test_scattered_values_stay_in_float32() -> None:
    model = chain(random_kernel(0), random_kernel(1))
    out = model.graph.node[-1]
    weights = {'place': np.array([[0, 0, 0, 0]]), 'value': np.array([2.], np.float32)}
    model.graph.node.remove(out)
    model.graph.node.extend([
        helper.make_node('ScatterND', ['relu_1', 'place', 'value'], ['masked'], name='scatter'),
        helper.make_node('Add', ['masked', 'shift'], ['out'])])
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in weights.items())
    base = prepared(model, 19)
    low = to_low_precision(base, 'fp16')
    kinds = tensor_types(onnx.shape_inference.infer_shapes(low).graph)
    assert next(kinds[node.output[0]] for node in low.graph.node
                if node.op_type == 'ScatterND') == TensorProto.FLOAT
    np.testing.assert_allclose(run(low, feeds()[0]), run(base, feeds()[0]), rtol=1e-3)
