# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""All families of detectors: results with and without appended head match the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.detector_networks import ANCHORS, NETWORKS
from support.detector_reference import expected_in_source, reference
from support.frames import noise_frame
from support.models import anchors_model, dense_model, end_to_end_model, save

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.thresholds import Thresholds

ALL_NETWORKS = {**NETWORKS,
                'yolo_dense': lambda size_wh, classes, seed: dense_model(size_wh, classes),
                'yolo_anchors': lambda size_wh, classes, seed: anchors_model(size_wh, classes),
                'end_to_end': lambda size_wh, classes, seed: end_to_end_model(
                    size_wh, 18 + classes, classes)}
# Networks with NMS in their graph, which TensorRT for RTX 1.7 does not support.
WITH_SUPPRESSION = ('torchvision_like', 'seven', 'counted')


@pytest.mark.parametrize('size_wh, classes, seed', [
    ((96, 64), 3, 1), ((160, 128), 12, 2), ((64, 64), 1, 5)], ids=['3', '12', '1'])
@pytest.mark.parametrize('name', ALL_NETWORKS)
def test_device_and_host_decoding_match_the_reference(
        name: str, size_wh: tuple[int, int], classes: int, seed: int, tmp_path: Path) -> None:
    if classes == 1 and name.startswith('detr'):
        pytest.skip('a DETR head of one class and background is recognised as two classes')
    path = save(ALL_NETWORKS[name](size_wh, classes, seed), tmp_path / 'm.onnx')
    anchors = tuple(map(float, ANCHORS)) if name == 'yolo_grids' else ()
    options = BuildOptions(backend='onnxruntime', anchors_wh=anchors)
    built = build_in_memory(path, options)
    frame = noise_frame((150, 91), seed)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    candidates = reference(name, raw, size_wh, classes)
    thresholds = Thresholds(max(float(np.median(candidates[1])) - 1e-3, 0.0), nms_iou=0.5,
                            max_detections=1000)
    boxes, scores, class_ids = expected_in_source(name, candidates, letterbox, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = detect(runtime, frame, thresholds)
    on_host = head_of(path, options).decode(raw, letterbox, thresholds)
    assert len(boxes) > (0 if classes == 1 else 2)
    for found in (on_device, on_host):
        assert len(found) == len(boxes)
        # Many scores are equal, and boxes with equal scores may be in any order.
        error_px = np.abs(found.boxes_xyxy[:, None] - boxes[None]).max(2)
        same = (error_px < 1e-3) & (np.abs(found.scores[:, None] - scores[None]) < 1e-4)
        same &= found.class_ids[:, None] == class_ids[None]
        assert same.any(0).all() and same.any(1).all()
        assert (np.diff(found.scores) <= 0).all()


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('name', ALL_NETWORKS)
def test_tensorrt_builds_all_families(name: str, tmp_path: Path) -> None:
    path = save(ALL_NETWORKS[name]((96, 64), 3, 1), tmp_path / 'm.onnx')
    options = BuildOptions(backend=installed_tensorrt(),
                           anchors_wh=ANCHORS if name == 'yolo_grids' else ())
    if installed_tensorrt() == 'tensorrt_rtx' and name in WITH_SUPPRESSION:
        with pytest.raises(BuildError, match='NonMaxSuppression'):
            build_in_memory(path, options)
        return
    built = build_in_memory(path, options)
    assert built.manifest.backend == installed_tensorrt()
    head = HEADS[built.manifest.head]
    # The GPU decodes the raw outputs of most heads.
    assert built.manifest.decoder == (head.name if head.on_device else head.decoder)
    assert built.manifest.head_runs_in == ('runtime' if head.on_device else 'engine')
