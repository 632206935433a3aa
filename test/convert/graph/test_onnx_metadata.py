# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The preprocessing in ONNX metadata: written, read, and copied to the manifest."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.building import build_in_memory
from support.models import default_metadata, dense_model, save

from edge_trt_ros.convert.graph.metadata import (image_input_from_metadata, INPUT_CONTRACT,
                                                 metadata_of)
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError
from edge_trt_ros.network_input import ImageInput

IMAGE_INPUT = ImageInput((96, 64), 'bgr', scale=1.0, mean=(103.5, 116.3, 123.7),
                         std=(57.4, 57.1, 58.4), pad_value=0)


def test_metadata_round_trip() -> None:
    metadata = metadata_of('detect', ('car', "driver's"), IMAGE_INPUT)
    assert image_input_from_metadata(metadata, ImageInput((96, 64))) == IMAGE_INPUT
    assert metadata['names'] == repr({0: 'car', 1: "driver's"})
    assert metadata['imgsz'] == '[64, 96]' and metadata['task'] == 'detect'
    assert metadata_of('', (), None) == {}
    assert image_input_from_metadata({}, ImageInput((96, 64))) == ImageInput((96, 64))


def test_manifest_contains_the_exported_preprocessing(tmp_path: Path) -> None:
    metadata = default_metadata() | metadata_of('detect', (), IMAGE_INPUT)
    path = save(dense_model((96, 64), metadata=metadata), tmp_path / 'm.onnx')
    assert build_in_memory(path, BuildOptions()).manifest.image_input == IMAGE_INPUT


@pytest.mark.parametrize('text, match', [
    ('', 'cannot be used'), ('[1]', 'cannot be used'), ('{"mean": [1, 2]}', 'three numbers'),
    ('{"std": [0, 1, 1]}', 'none of them 0'), ('{"color_order": "cmyk"}', 'cmyk'),
    ('{"size_wh": [1, 1]}', 'unknown fields size_wh'), ('{"scale": "big"}', 'scale is a number'),
    ('{"pad_value": 300}', 'pad_value'), ('7', 'cannot be used'), ('[' * 9999, 'cannot be used')])
def test_invalid_preprocessing_is_refused(text: str, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        image_input_from_metadata({INPUT_CONTRACT: text}, ImageInput((96, 64)))
