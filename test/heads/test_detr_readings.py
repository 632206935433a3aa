# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The operators of a DETR tell its classes and its pixels; labels that contradict are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.building import build_in_memory
from support.detector_networks import detr, torchvision_like
from support.models import save

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError


def labelled(model: onnx.ModelProto, count: int) -> onnx.ModelProto:
    del model.metadata_props[:]
    model.metadata_props.add(key='names', value=str([f'c{index}' for index in range(count)]))
    return model


@pytest.mark.parametrize('background, selected, head, normalised', [
    (0, True, 'detr_sigmoid', False),   # RT-DETR
    (0, False, 'detr_sigmoid', True),   # Conditional DETR
    (1, False, 'detr_softmax', True)])  # DETR, YOLOS
def test_operators_tell_the_family(background: int, selected: bool, head: str, normalised: bool,
                                   tmp_path: Path) -> None:
    path = save(detr((96, 64), 5, 1, background, selected), tmp_path / 'm.onnx')
    manifest = build_in_memory(path, BuildOptions(backend='onnxruntime')).manifest
    assert manifest.head == head
    assert (manifest.image_input.std != (1.0, 1.0, 1.0)) == normalised


@pytest.mark.parametrize('background, labels', [(0, 4), (0, 6), (1, 4), (1, 6)])
def test_one_label_more_or_fewer_is_refused(background: int, labels: int, tmp_path: Path) -> None:
    path = save(labelled(detr((96, 64), 5, 1, background), labels), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match=f'{labels} labels .* but the head has 5 classes'):
        build_in_memory(path, BuildOptions(backend='onnxruntime'))


@pytest.mark.parametrize('labels, fits', [(90, True), (91, False), (80, False)])
def test_labels_fit_coco_in_torchvision(labels: int, fits: bool, tmp_path: Path) -> None:
    model = torchvision_like((96, 64), 9, 1)
    model.graph.initializer.append(onnx.numpy_helper.from_array(
        np.zeros(91, np.float32), 'bias_of_classes'))
    model.graph.node.append(onnx.helper.make_node('Add', ['bias_of_classes'] * 2, ['unused']))
    path = save(labelled(model, labels), tmp_path / 'm.onnx')
    if fits:
        assert len(build_in_memory(
            path, BuildOptions(backend='onnxruntime')).manifest.labels) == 91
        return
    with pytest.raises(ModelError, match='with the background, fit no layer') as error:
        build_in_memory(path, BuildOptions(backend='onnxruntime'))
    assert error.value.code == 'labels_mismatch'
