# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Instance segmentation, decoded on device and host, matches plain bilinear sampling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import save
from support.task_models import segment_model

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.heads import HEADS
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.thresholds import Thresholds


def sampled(image: np.ndarray, x: float, y: float) -> float:
    """Return a bilinear sample at cell coordinates, with the border repeated."""
    height, width = image.shape
    x, y = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
    left, top = min(int(x), width - 2), min(int(y), height - 2)
    fx, fy = x - left, y - top
    return float((image[top, left] * (1 - fx) + image[top, left + 1] * fx) * (1 - fy)
                 + (image[top + 1, left] * (1 - fx) + image[top + 1, left + 1] * fx) * fy)


@pytest.mark.parametrize('classes, coefficients, size_wh', [(3, 32, (64, 64)), (1, 8, (96, 64))])
def test_masks_match_bilinear_sampling(tmp_path: Path, classes: int, coefficients: int,
                                       size_wh: tuple[int, int]) -> None:
    path = save(segment_model(classes, coefficients, size_wh), tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions())
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.1, 0.45, 6)
    outputs, box = raw_outputs(path, built.manifest, frame)
    raw, prototypes = outputs['output0'], outputs['output1']
    end = 4 + classes
    boxes = HEADS['yolo_dense'].decode({'output0': raw[:, :end]}, box, thresholds)
    assert len(boxes)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = infer(runtime, frame, thresholds)
    on_host = head_of(path).decode(outputs, box, thresholds)
    best, near, map_ = raw[0, 4:end].max(0), np.zeros((91, 150), bool), np.zeros((91, 150), int)
    for index in range(len(boxes) - 1, -1, -1):
        anchor = int(np.argmin(np.abs(best - boxes.scores[index])))
        logits = np.einsum('c,chw->hw', raw[0, end:, anchor], prototypes[0])
        left, top, right, bottom = boxes.boxes_xyxy[index]
        for y in range(91):
            for x in range(150):
                if left <= x + .5 < right and top <= y + .5 < bottom:
                    value = sampled(
                        logits, ((x + .5) * box.scale_x + box.pad_left) / 4 - .5,
                        ((y + .5) * box.scale_y + box.pad_top) / 4 - .5)
                    # OpenCV samples on a grid of 1/32 of a cell.
                    near[y, x] |= abs(value) < np.ptp(logits) / 32
                    if value > 0:
                        map_[y, x] = index + 1
    for found in (on_device, on_host):
        np.testing.assert_allclose(found.detections.boxes_xyxy, boxes.boxes_xyxy, atol=1e-3)
        np.testing.assert_allclose(found.detections.scores, boxes.scores, atol=1e-4)
        assert ((found.instance_map == map_) | near).all()
        assert (found.instance_map == map_).mean() > 0.98 and found.instance_map.any()
