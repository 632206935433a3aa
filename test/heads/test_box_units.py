# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Rows of six are corners in pixels, or centre and size as fractions; never the wrong one."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import numpy_helper
import pytest
from support.building import head_of
from support.detector_networks import final_detr
from support.models import end_to_end_model, save

from edge_trt_ros.errors import ModelError


def scaled(model: onnx.ModelProto, factor: float) -> onnx.ModelProto:
    """Return a model whose weights of boxes are multiplied."""
    fixed = next(weight for weight in model.graph.initializer if weight.name == 'fixed')
    values = numpy_helper.to_array(fixed).copy()
    values[..., :4] *= factor
    fixed.CopyFrom(numpy_helper.from_array(values, 'fixed'))
    return model


def test_boxes_that_end_in_a_sigmoid_are_fractions(tmp_path: Path) -> None:
    path = save(final_detr((96, 64), 3, 1), tmp_path / 'm.onnx')
    assert head_of(path).name == 'normalized_final'


@pytest.mark.parametrize('metadata, name', [
    ({'head': 'RTDETRDecoder'}, 'normalized_final'), ({'head': 'Detect'}, 'yolo_end_to_end')])
def test_the_metadata_names_the_head(metadata: dict[str, str], name: str, tmp_path: Path) -> None:
    model = scaled(end_to_end_model(metadata={'names': "['a', 'b', 'c']", **metadata}), 1 / 64)
    assert head_of(save(model, tmp_path / 'm.onnx')).name == name


def test_values_decide_what_nothing_else_tells(tmp_path: Path) -> None:
    pixels = save(end_to_end_model(), tmp_path / 'pixels.onnx')
    assert head_of(pixels).name == 'yolo_end_to_end'
    fractions = save(scaled(end_to_end_model(), 1 / 64), tmp_path / 'fractions.onnx')
    with pytest.raises(ModelError, match='boxes of at most .*expected corners in pixels') as error:
        head_of(fractions)
    assert error.value.code == 'head_ambiguous'
