# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Invalid export options are refused before a framework is loaded."""

from __future__ import annotations

from typing import Any

import pytest

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.export.options import ExportOptions, inputs_from_text

IMAGE = inputs_from_text(['1x3x32x64'], [])


def test_inputs() -> None:
    assert [str(tensor) for tensor in inputs_from_text(['1x3x32x64'], [])] == [
        'images float32[1, 3, 32, 64]']
    assert [str(tensor) for tensor in inputs_from_text(
        ['1x8:int64', '2'], ['tokens', 'scale'])] == ['tokens int64[1, 8]', 'scale float32[2]']
    assert [tensor.name for tensor in inputs_from_text(['1', '2'], [])] == ['input0', 'input1']


@pytest.mark.parametrize('shapes, names, match', [
    (['1,3'], [], 'expected numbers'), ([''], [], 'the input shape'), (['1x0'], [], '1x0'),
    (['1x3:float16'], [], 'float32, int32, int64'), (['1x3'], ['a', 'b'], '2 input names')])
def test_invalid_inputs(shapes: list[str], names: list[str], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        inputs_from_text(shapes, names)


@pytest.mark.parametrize('fields, match', [
    ({'inputs': ()}, 'no input shape'), ({'dynamic': frozenset(('depth',))}, 'dynamic is depth'),
    ({'output_names': ('a', 'a')}, 'given twice'), ({'output_names': ('images',)}, 'twice'),
    ({'output_names': ('',)}, 'empty'),
    ({'metadata': {'names': 'x', 'author': 'me'}}, 'metadata has names, which task, labels and')])
def test_invalid_options(fields: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        ExportOptions(**{'inputs': IMAGE} | fields)


def test_only_images_have_dynamic_height_and_width() -> None:
    image, tokens = inputs_from_text(['1x3x32x64', '1x8:int64'], [])
    options = ExportOptions((image, tokens), dynamic=frozenset(('batch', 'width')))
    assert options.dynamic_axes(image) == {0: 'batch', 3: 'width'}
    assert options.dynamic_axes(tokens) == {0: 'batch'}
