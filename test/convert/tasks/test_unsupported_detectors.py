# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detectors that cannot be adapted or recognised are refused."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from support.building import build_in_memory
from support.detector_networks import NETWORKS, plugin
from support.models import save

from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError


def test_plugin_with_unknown_inputs_is_refused(tmp_path: Path) -> None:
    model = plugin((96, 64), 3, 1)
    model.graph.node[-1].input.append(model.graph.node[-1].input[0])
    with pytest.raises(ModelError, match='ends in EfficientNMS_TRT .*without suppression'):
        check_onnx(save(model, tmp_path / 'm.onnx'))


def test_boxes_neither_raw_nor_decoded_are_refused(tmp_path: Path) -> None:
    model = NETWORKS['yolox']((96, 64), 3, 1)
    for node in model.graph.node:
        if node.op_type == 'Sigmoid':
            node.op_type = 'Tanh'
    with pytest.raises(ModelError, match='not known'):
        build_in_memory(save(model, tmp_path / 'm.onnx'), BuildOptions(backend='onnxruntime'))


def test_target_size_with_open_image_size_is_refused(tmp_path: Path) -> None:
    model = NETWORKS['sized_detr']((96, 64), 3, 1)
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = 'height'
    onnx.save(model, str(tmp_path / 'm.onnx'))
    with pytest.raises(ModelError, match="'orig_target_sizes' and an image of open size"):
        check_onnx(tmp_path / 'm.onnx')
