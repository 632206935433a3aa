# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A deep network whose rounding is large passes; an error of the same size does not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest

from edge_trt_ros.export.parity import check_parity, Exported

SHAPE = (1, 12, 8, 8)
WIDTH = 12 * 8 * 8
RANDOM = np.random.default_rng(0)
# Each layer amplifies a small difference: 30 layers turn rounding into some thousandths.
WEIGHTS = RANDOM.normal(0, 2.5 / np.sqrt(WIDTH), (WIDTH, WIDTH)).astype(np.float32)
FEEDS = [[RANDOM.normal(0, 1, (1, WIDTH)).astype(np.float32)] for _ in range(2)]


def run(feed: Any, depth: int, kind: type) -> list[NDArray[Any]]:
    """Return the output of the network, computed by NumPy in a precision."""
    values, weights = feed[0].astype(kind), WEIGHTS.astype(kind)
    for _ in range(depth):
        values = np.tanh(values @ weights)
    return [values.reshape(SHAPE)]


def deep(depth: int, error: NDArray[np.float32] | None = None, is_exact: bool = True
         ) -> Exported:
    """Return a network of many layers and its ONNX, to whose output an error is added."""
    nodes = []
    for index in range(depth):
        nodes += [helper.make_node('MatMul', [f'x{index}', 'weights'], [f'y{index}']),
                  helper.make_node('Tanh', [f'y{index}'], [f'x{index + 1}'])]
    nodes += [helper.make_node('Reshape', [f'x{depth}', 'shape'], ['map']),
              helper.make_node('Add', ['map', 'error'], ['out'])]
    graph = helper.make_graph(
        nodes, 'g', [helper.make_tensor_value_info('x0', TensorProto.FLOAT, [1, WIDTH])],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, SHAPE)],
        [numpy_helper.from_array(WEIGHTS, 'weights'),
         numpy_helper.from_array(np.array(SHAPE), 'shape'),
         numpy_helper.from_array(np.zeros(SHAPE, np.float32) if error is None else error,
                                 'error')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    onnx.checker.check_model(model)
    return Exported(model, 'framework', lambda feed: run(feed, depth, np.float32),
                    exact=(lambda feed: run(feed, depth, np.float64)) if is_exact else None)


def in_one_channel(size: float) -> NDArray[np.float32]:
    """Return an error of one channel."""
    error = np.zeros(SHAPE, np.float32)
    error[:, 5] = size
    return error


DEPTH = 30


def test_rounding_beyond_the_usual_limit_passes() -> None:
    without = check_parity(deep(DEPTH, is_exact=False), FEEDS)
    assert 'of its spread' in without.problem or 'values differ' in without.problem
    parity = check_parity(deep(DEPTH), FEEDS)
    assert parity.problem == '' and parity.argmax_agreement == parity.rank_agreement == 1.0
    assert parity.exact_error and parity.own_error
    assert 0.25 < parity.exact_error / parity.own_error < 8


def test_an_error_of_the_same_size_in_one_channel_is_refused() -> None:
    size = check_parity(deep(DEPTH), FEEDS).max_error
    for depth, sign in ((DEPTH, 1), (DEPTH, -1), (3, 1)):
        problem = check_parity(deep(depth, in_one_channel(sign * size)), FEEDS).problem
        assert 'in channel 5' in problem or 'values differ' in problem, (depth, sign)


def test_rounding_never_excuses_a_tenth_of_the_spread() -> None:
    """In float32, so deep a network computes something else than in float64."""
    assert 'values differ' in check_parity(deep(70), FEEDS).problem


def classifier(scores: NDArray[np.float32], swapped: tuple[int, int] | None) -> Exported:
    """Return a network that returns its input, and an ONNX that swaps two classes."""
    order = np.arange(scores.shape[1])
    if swapped:
        order[list(swapped)] = order[list(swapped)[::-1]]
    graph = helper.make_graph(
        [helper.make_node('Gather', ['x', 'order'], ['out'], axis=1)], 'g',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, scores.shape)],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, scores.shape)],
        [numpy_helper.from_array(order, 'order')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    return Exported(model, 'framework', lambda feed: [feed[0]],
                    exact=lambda feed: [feed[0].astype(np.float64)])


@pytest.mark.parametrize('ranks', [(0, 1), (1, 2), (4, 5), (3, 5)])
def test_another_order_of_the_best_classes_is_refused(ranks: tuple[int, int]) -> None:
    """The scores differ by less than the tolerance of a value, and by more than rounding."""
    scores = RANDOM.normal(0, 1, (1, 100)).astype(np.float32)
    scores[0, :6] = 5 - 4e-4 * np.arange(6)
    parity = check_parity(classifier(scores, ranks), [[scores]])
    assert 'another order of the best values' in parity.problem and parity.rank_agreement < 1
    assert (parity.argmax_agreement < 1) == (0 in ranks)
    assert check_parity(classifier(scores, None), [[scores]]).problem == ''


def test_rounding_may_decide_the_order() -> None:
    scores = RANDOM.normal(0, 1, (1, 100)).astype(np.float32)
    scores[0, :2] = 5, 5 - 1e-6
    parity = check_parity(classifier(scores, (0, 1)), [[scores]])
    assert parity.problem == '' and parity.rank_agreement == 1.0


def test_a_framework_without_float64_is_compared_as_it_is() -> None:
    exported = deep(3)
    for nothing in (lambda feed: None, lambda feed: [], lambda feed: run(feed, 3, np.float32)):
        parity = check_parity(Exported(exported.model, 'framework', exported.run, exact=nothing),
                              FEEDS)
        assert parity.problem == '' and parity.exact_error is parity.own_error is None
