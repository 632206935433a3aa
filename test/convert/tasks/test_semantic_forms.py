# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Semantic segmentation that ends in a map of classes, or in one mask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import save
from support.net import FLOAT, INT64, Net

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.thresholds import Thresholds

UINT8 = onnx.TensorProto.UINT8


def map_model(kind: int, labels: int = 3, keepdims: int = 0) -> onnx.ModelProto:
    net = Net((96, 64), 3)
    classes = net('ArgMax', net.cells(4, 3), axis=1, keepdims=keepdims)
    net('Cast', classes, outputs=['output0'], to=kind)
    shape = [1, 1, 16, 24] if keepdims else [1, 16, 24]
    return net.model({'output0': (kind, shape)}, labels)


def mask_model(last: str) -> onnx.ModelProto:
    net = Net((96, 64), 3)
    net(last, net('Add', net.cells(4, 1), np.array(1.)), outputs=['mask'])
    return net.model({'mask': (FLOAT, [1, 1, 16, 24])})


def both_maps(path: Path, options: BuildOptions) -> tuple[Any, Any, dict[str, Any]]:
    built = build_in_memory(path, options)
    frame, thresholds = noise_frame((150, 91), 3), Thresholds()
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        result = infer(runtime, frame, thresholds)[0]
    return head_of(path, options).decode(raw, letterbox, thresholds).classes, result.classes, raw


@pytest.mark.parametrize('kind, keepdims', [(UINT8, 0), (INT64, 0), (INT64, 1)])
def test_a_map_is_passed_on(kind: int, keepdims: int, tmp_path: Path) -> None:
    path = save(map_model(kind, keepdims=keepdims), tmp_path / 'm.onnx')
    host, fused, raw = both_maps(path, BuildOptions(backend='onnxruntime', task='semantic'))
    np.testing.assert_array_equal(host, raw['output0'].reshape(16, 24))
    np.testing.assert_array_equal(fused, host)
    assert len(np.unique(host)) > 1


@pytest.mark.parametrize('last, limit', [('Sigmoid', 0.5), ('Identity', 0.0)])
def test_a_mask_is_compared_with_its_middle(last: str, limit: float, tmp_path: Path) -> None:
    path = save(mask_model(last), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', task='semantic', labels=('lane',))
    host, fused, raw = both_maps(path, options)
    np.testing.assert_array_equal(host, raw['mask'][0, 0] > limit)
    np.testing.assert_array_equal(fused, host)
    assert 0 < host.mean() < 1
    assert head_of(path, options).labels == ('background', 'lane')


def test_labels_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = save(map_model(UINT8, labels=0), tmp_path / 'map.onnx')
    with pytest.raises(ModelError, match='give labels') as refused:
        head_of(path, BuildOptions(task='semantic'))
    assert refused.value.code == 'labels_missing'
    path = save(mask_model('Sigmoid'), tmp_path / 'mask.onnx')
    with pytest.raises(ModelError, match='one class besides the background') as refused:
        head_of(path, BuildOptions(task='semantic', labels=('a', 'b', 'c')))
    assert refused.value.code == 'labels_mismatch'
    path = save(mask_model('Relu'), tmp_path / 'neither.onnx')
    with pytest.raises(ModelError, match="task is 'semantic', whose networks end in"):
        head_of(path, BuildOptions(task='semantic'))


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('model', [map_model(UINT8), mask_model('Sigmoid')], ids=['map', 'mask'])
def test_tensorrt_builds_them(model: onnx.ModelProto, tmp_path: Path) -> None:
    path = save(model, tmp_path / 'm.onnx')
    assert build_in_memory(path, BuildOptions(backend=installed_tensorrt(), task='semantic')
                           ).engine


def test_torchvision_networks_have_a_second_output(tmp_path: Path) -> None:
    net = Net((96, 64), 3)
    net('Identity', net.cells(4, 3), outputs=['out'])
    net('Identity', net.cells(4, 3), outputs=['aux'])
    path = save(net.model({'out': (FLOAT, [1, 3, 16, 24]), 'aux': (FLOAT, [1, 3, 16, 24])}, 3),
                tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', task='semantic')
    host, fused, raw = both_maps(path, options)
    np.testing.assert_array_equal(host, raw['out'][0].argmax(0))
    np.testing.assert_array_equal(fused, host)
    assert build_in_memory(path, options).manifest.image_input.mean[0] == 0.485


def test_mask2former_sums_the_masks_of_each_class(tmp_path: Path) -> None:
    net, queries = Net((96, 64), 3), 24
    net('Identity', net.rows(16, 4), outputs=['class_queries_logits'])
    net('Identity', net.cells(8, queries), outputs=['masks_queries_logits'])
    path = save(net.model({'class_queries_logits': (FLOAT, [1, queries, 4]),
                           'masks_queries_logits': (FLOAT, [1, queries, 8, 12])}, 3),
                tmp_path / 'm.onnx')
    host, fused, raw = both_maps(path, BuildOptions(backend='onnxruntime', task='semantic'))
    logits, masks = raw['class_queries_logits'][0], raw['masks_queries_logits'][0]
    expected = np.zeros((3, 8, 12))
    for shares, mask in zip(np.exp(logits) / np.exp(logits).sum(1, keepdims=True), masks):
        for label in range(3):
            expected[label] += shares[label] / (1 + np.exp(-mask))
    np.testing.assert_array_equal(host, expected.argmax(0))
    np.testing.assert_array_equal(fused, host)
    assert len(np.unique(host)) > 1
