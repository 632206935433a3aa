# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The criterion of the export passes rounding and refuses errors, whatever the unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, TensorProto
import pytest

from edge_trt_ros.export.difference import difference
from edge_trt_ros.export.parity import check_parity, Exported

Change = Callable[[NDArray[np.float32]], NDArray[np.float32]]
RANDOM = np.random.default_rng(0)


def tensor(shape: tuple[int, ...], unit: float) -> NDArray[np.float32]:
    """Return values with a spread of one unit about an offset."""
    return (unit * (RANDOM.normal(0, 1, shape) + 0.5)).astype(np.float32)


@pytest.mark.parametrize('unit', [1e-5, 1.0, 300.0])
@pytest.mark.parametrize('shape', [(1, 10), (1, 21, 40, 40), (1, 84, 800), (1, 300, 6), (1, 3)])
def test_rounding_passes_and_errors_do_not(shape: tuple[int, ...], unit: float) -> None:
    want = tensor(shape, unit)
    spread = float(want.std())
    noise = RANDOM.normal(0, 1e-4, shape).astype(np.float32) * spread
    # Of 2 million logits of a segmentation network, some hundred are off by 7e-4.
    noise.flat[:: max(noise.size // 200, 1)] *= 3
    assert difference(want, want + noise) == ''
    errors: dict[str, Change] = {
        'scaled': lambda values: values * np.float32(1.01),
        'shifted': lambda values: values + np.float32(0.02 * spread),
        'one wrong': lambda values: values + np.float32(0.1 * spread) * (
            np.arange(values.size).reshape(values.shape) == values.size // 2),
        'rolled': lambda values: np.roll(values, 1, -1),
        'zeroed': lambda values: values * 0,
        'not a number': lambda values: np.where(values == values.max(), np.nan, values)}
    for name, change in errors.items():
        assert difference(want, change(want).astype(np.float32)), name


def test_scores_beside_pixels_have_their_own_tolerance() -> None:
    want = tensor((1, 6, 500), 1.0)
    want[:, :4] = tensor((1, 4, 500), 300.0)
    wrong = want.copy()
    wrong[:, 5] += 0.01  # little for pixels, much for a score
    assert 'values differ' in difference(want, wrong)


def exported(change: Change) -> Exported:
    """Return an ONNX that returns its input, and a network that changes it."""
    shape = [1, 4, 8, 8]
    graph = helper.make_graph(
        [helper.make_node('Identity', ['x'], ['y'])], 'g',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, shape)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    onnx.checker.check_model(model)
    return Exported(model, 'framework', lambda feed: [change(feed[0])])


def test_tosses_do_not_count_as_disagreement() -> None:
    values = tensor((1, 4, 8, 8), 1e-5)
    values[:, 1] = values[:, 0]  # rounding decides which of two equal classes is the best

    def rounded(given: NDArray[np.float32]) -> NDArray[np.float32]:
        return given + np.float32(1e-10) * RANDOM.normal(0, 1, given.shape).astype(np.float32)
    parity = check_parity(exported(rounded), [[values]])
    assert parity.problem == '' and parity.argmax_agreement == 1.0


def test_the_place_of_a_name_that_occurs_twice_is_not_reported() -> None:
    def trace(feed: object) -> list[tuple[str, str, NDArray[np.float32]]]:
        return [('y', 'first', np.zeros((1, 4, 8, 8), np.float32)),
                ('y', 'second', np.ones((1, 4, 8, 8), np.float32))]
    wrong = exported(lambda given: given + 1)
    parity = check_parity(Exported(wrong.model, 'framework', wrong.run, lambda feed: iter(
        trace(feed))), [[tensor((1, 4, 8, 8), 1.0)]])
    assert "output 'y' is" in parity.problem and "'y' in first" not in parity.problem
