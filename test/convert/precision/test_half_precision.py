# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Graphs in fp16 and bf16: accuracy, and the nodes that stay in float32."""

from __future__ import annotations

import numpy as np
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator
import pytest
from support.chains import chain, feeds, random_kernel, ranges_of, run

from edge_trt_ros.convert.graph.edit import decoding_nodes, prepared
from edge_trt_ros.convert.precision.bf16_emulation import emulated_bf16
from edge_trt_ros.convert.precision.half import to_low_precision
from edge_trt_ros.convert.precision.int8 import quantize_int8
from edge_trt_ros.convert.precision.ranges import overflowing_nodes


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
