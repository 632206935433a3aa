# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Preprocessing, labels and anchors of the families of detectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from onnx import helper
import pytest
from support.building import build_in_memory
from support.detector_networks import ANCHORS, NETWORKS
from support.models import save

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError


def test_default_preprocessing_of_each_family(tmp_path: Path) -> None:
    def contract(name: str) -> Any:
        path = save(NETWORKS[name]((96, 64), 3, 1), tmp_path / 'm.onnx')
        return build_in_memory(path, BuildOptions(backend='onnxruntime')).manifest.image_input
    for name in ('yolox', 'yolox_decoded'):
        assert (contract(name).color_order, contract(name).scale) == ('bgr', 1.0)
    assert contract('detr_softmax').mean == (.485, .456, .406)
    assert contract('sized_detr').scale == 1 / 255
    path = save(NETWORKS['yolox']((96, 64), 3, 1), tmp_path / 'm.onnx')
    stated = build_in_memory(path, BuildOptions(
        backend='onnxruntime', input_contract='{"scale": 0.5}')).manifest.image_input
    assert (stated.color_order, stated.scale) == ('rgb', 0.5)
    with pytest.raises(ModelError, match='input_contract cannot be used .*unknown fields colour'):
        build_in_memory(path, BuildOptions(backend='onnxruntime', input_contract='{"colour": 1}'))


def test_torchvision_class_0_is_the_background(tmp_path: Path) -> None:
    model = NETWORKS['torchvision_like']((96, 64), 2, 1)
    path = save(model, tmp_path / 'm.onnx')
    assert build_in_memory(path, BuildOptions(backend='onnxruntime')).manifest.labels == (
        'background', 'c0', 'c1')
    del model.metadata_props[:]
    path = save(model, tmp_path / 'm.onnx')
    labels = ('__background__', 'cat', 'dog')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime', labels=labels))
    assert built.manifest.labels == labels


@pytest.mark.parametrize('name', sorted({
    'yolox', 'yolox_decoded', 'detr_sigmoid', 'ultralytics_detr', 'final_detr',
    'sized_detr', 'torchvision_like', 'seven', 'counted'}))
def test_ambiguous_class_count_requires_labels(name: str, tmp_path: Path) -> None:
    model = NETWORKS[name]((96, 64), 3, 1)
    del model.metadata_props[:]
    with pytest.raises(ModelError, match='give labels'):
        build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))


def test_anchors_are_required_and_read_from_the_metadata(tmp_path: Path) -> None:
    model = NETWORKS['yolo_grids']((96, 64), 3, 1)
    for text, match in (('', '18 numbers above 0 in pixels, and 0 are given'),
                        ('[1, 2, 3]', 'and 3 are given.*v5: 10,13'), ('(((', 'cannot be read')):
        if text:
            helper.set_model_props(model, {'names': "['a', 'b', 'c']", 'anchors': text})
        with pytest.raises(ModelError, match=match):
            build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))
    helper.set_model_props(model, {'names': "['a', 'b', 'c']", 'anchors': str(
        [list(ANCHORS[start:start + 6]) for start in (0, 6, 12)])})
    built = build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))
    assert built.manifest.head == 'yolo_grids'
