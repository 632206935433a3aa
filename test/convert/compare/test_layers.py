# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Rounding of a layer is no error; a factor, a shift and a wrong scale are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from onnx import numpy_helper
import pytest
from support.building import build_in_memory
from support.models import dense_model, save

from edge_trt_ros.convert.compare.layers import LayerError, LayerSums
from edge_trt_ros.convert.compare.limits import LIMITS
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError

Values = NDArray[np.float32]
ROUND = {'fp16': np.float16, 'bf16': ml_dtypes.bfloat16}
SHAPES = ((1, 5, 8, 14), (1, 64, 40, 40), (1, 32, 3, 3), (1, 1280), (1, 197, 64))


def values(shape: tuple[int, ...], mean: float, sample: int) -> Values:
    random = np.random.default_rng(sample)
    means = np.random.default_rng(7).normal(mean, 0.1, (1, shape[1], *(1,) * (len(shape) - 2)))
    return (random.normal(0, 0.2, shape) + means).astype(np.float32)


def error_of(shape: tuple[int, ...], mean: float, precision: str,
             change: Callable[[Values], Values] = lambda given: given) -> LayerError:
    sums = LayerSums()
    for sample in range(4):
        want = values(shape, mean, sample)
        sums.add(want, change(want).astype(ROUND[precision]).astype(np.float32))
    return sums.error('layer', LIMITS[precision].rounding)


def passes(error: LayerError, precision: str) -> bool:
    limits = LIMITS[precision]
    return (abs(error.gain - 1) <= error.allowed * limits.layer_gain
            and error.shift <= error.allowed * limits.layer_shift
            and error.scatter <= error.allowed * limits.scatter)


@pytest.mark.parametrize('precision', ROUND)
@pytest.mark.parametrize('mean', [0.0, -10.0, 60.0])
@pytest.mark.parametrize('shape', SHAPES)
def test_rounding_passes(shape: tuple[int, ...], mean: float, precision: str) -> None:
    # The scores of classes that are nowhere lie closely about -10.
    assert passes(error_of(shape, mean, precision), precision)


@pytest.mark.parametrize('precision', ROUND)
@pytest.mark.parametrize('mean', [0.0, -10.0])
@pytest.mark.parametrize('shape', SHAPES)
def test_damage_does_not(shape: tuple[int, ...], mean: float, precision: str) -> None:
    changes: dict[str, Callable[[Values], Values]] = {
        'scaled': lambda given: given * np.float32(0.9), 'zeroed': lambda given: given * 0,
        'without bias': lambda given: given - np.float32(mean or 0.2)}
    if shape not in ((1, 1280), (1, 32, 3, 3)):  # few values of a channel have no mean
        changes['rolled'] = lambda given: np.roll(given, 1, 1)
    for name, change in changes.items():
        assert not passes(error_of(shape, mean, precision, change), precision), name


def test_a_layer_that_never_changes_has_no_factor() -> None:
    sums = LayerSums()
    sums.add(np.full((1, 3, 9, 9), 0.1, np.float32), np.full((1, 3, 9, 9), 0.1, np.float32))
    error = sums.error('layer')
    assert (error.gain, error.shift, error.scatter) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize('bias, spread', [(-8.76, 1e-3), (0.0, 2e-8)])
def test_values_that_rounding_erases_are_named(bias: float, spread: float) -> None:
    want = (bias + np.random.default_rng(0).normal(0, spread, (1, 8, 40, 40))).astype(np.float32)
    sums = LayerSums()
    sums.add(want, want.astype(np.float16).astype(np.float32))
    error = sums.error('layer', LIMITS['fp16'].rounding)
    assert 'never trained' in error.lost_in_rounding(LIMITS['fp16'])
    assert error.lost_in_rounding(LIMITS['fp32']) == ''
    assert error_of((1, 64, 40, 40), bias, 'fp16').lost_in_rounding(LIMITS['fp16']) == ''


def test_a_network_that_was_never_trained_is_refused_with_the_reason(tmp_path: Path) -> None:
    model = dense_model((320, 320), weight=1e-3)
    for tensor in model.graph.initializer:
        if tensor.name.startswith('bias'):
            values = np.full_like(numpy_helper.to_array(tensor), -8.76)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    path = save(model, tmp_path / 'm.onnx')
    with pytest.raises(BuildError) as caught:
        build_in_memory(path, BuildOptions(backend='onnxruntime', precision='fp16'))
    assert caught.value.code == 'engine_differs'
    for words in ('its values differ by only', 'fp16 counts in steps of', 'never trained',
                  'choose fp32'):
        assert words in str(caught.value)
    build_in_memory(path, BuildOptions(backend='onnxruntime', precision='fp32'))
