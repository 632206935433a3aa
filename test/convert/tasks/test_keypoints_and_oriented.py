# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Keypoints and oriented boxes, decoded on device and host, match plain NumPy code."""

from __future__ import annotations

from math import cos, exp, log, sin, sqrt
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.drawing import draw_detections
from edge_trt_ros.vision.oriented import oriented_corners, oriented_iou
from edge_trt_ros.vision.thresholds import Thresholds

OPTIONS = BuildOptions(backend='onnxruntime')


def pose_model(size_wh: tuple[int, int], classes: int, shape: tuple[int, int]
               ) -> onnx.ModelProto:
    return dense_model(size_wh, classes + shape[0] * shape[1], weight=1.0, metadata={
        'task': 'pose', 'kpt_shape': str(list(shape)), 'names': str(['p'] * classes)})


def obb_model(size_wh: tuple[int, int], classes: int) -> onnx.ModelProto:
    return dense_model(size_wh, classes + 1, weight=1.0, metadata={
        'task': 'obb', 'names': str([f'c{index}' for index in range(classes)])})


def both_ways(model: onnx.ModelProto, thresholds: Thresholds, folder: Path
              ) -> tuple[Any, Any, np.ndarray, Any]:
    """Return the results decoded on device and host, the raw output and the letterbox."""
    path = save(model, folder / 'm.onnx')
    built, frame = build_in_memory(path, OPTIONS), noise_frame((150, 91), 3)
    raw, box = raw_outputs(path, built.manifest, frame)
    on_host = head_of(path, OPTIONS).decode(raw, box, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = detect(runtime, frame, thresholds)
    return on_device, on_host, raw['output0'][0].astype(np.float64), box


@pytest.mark.parametrize('size_wh, classes, shape', [
    ((96, 64), 1, (17, 3)), ((64, 64), 3, (7, 2)), ((160, 128), 2, (5, 3))])
def test_keypoints_match_the_reference(size_wh: tuple[int, int], classes: int,
                                       shape: tuple[int, int], tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, nms_iou=0.9)
    on_device, on_host, raw, box = both_ways(pose_model(size_wh, classes, shape), thresholds,
                                             tmp_path)
    scores = raw[4:4 + classes].max(0)
    for found in (on_device, on_host):
        assert len(found) > 2 and found.keypoints.shape == (len(found), shape[0], 3)
        for index in range(len(found)):
            anchor = int(np.argmin(np.abs(scores - found.scores[index])))
            points = raw[4 + classes:, anchor].reshape(shape)
            expected = np.stack([(points[:, 0] - box.pad_left) / box.scale_x,
                                 (points[:, 1] - box.pad_top) / box.scale_y,
                                 points[:, 2] if shape[1] == 3 else np.full(
                                     shape[0], scores[anchor])], 1)
            np.testing.assert_allclose(found.keypoints[index], expected, atol=1e-3)
    np.testing.assert_allclose(on_device.keypoints, on_host.keypoints, atol=1e-3)
    np.testing.assert_allclose(on_device.boxes_xyxy, on_host.boxes_xyxy, atol=1e-3)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return 1 - the Hellinger distance of boxes (x, y, w, h, angle) as normal distributions."""
    covariances = []
    for _, _, width, height, angle in (first, second):
        turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
        covariances.append(turn @ np.diag([width ** 2 / 12, height ** 2 / 12]) @ turn.T)
    mean = sum(covariances) / 2
    offset = first[:2] - second[:2]
    distance = offset @ np.linalg.inv(mean) @ offset / 8 + log(
        np.linalg.det(mean) / sqrt(np.prod([np.linalg.det(each) for each in covariances]))) / 2
    return 1 - sqrt(max(1 - exp(-distance), 0))


@pytest.mark.parametrize('size_wh, classes', [((96, 64), 1), ((160, 128), 4)])
def test_oriented_boxes_match_the_reference(size_wh: tuple[int, int], classes: int,
                                            tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, nms_iou=0.8)
    on_device, on_host, raw, box = both_ways(obb_model(size_wh, classes), thresholds, tmp_path)
    scores, class_ids = raw[4:-1].max(0), raw[4:-1].argmax(0)
    rotated = np.concatenate([raw[:4], raw[-1:]]).T
    kept: list[int] = []
    for row in np.argsort(-scores, kind='stable').tolist():
        if scores[row] < 0.12:
            break
        x, y = cv2.boxPoints((rotated[row, :2], rotated[row, 2:4],
                              np.degrees(rotated[row, 4]))).T
        visible = (x.max() > box.pad_left and x.min() < box.pad_left + 150 * box.scale_x
                   and y.max() > box.pad_top and y.min() < box.pad_top + 91 * box.scale_y)
        free = all(class_ids[row] != class_ids[better]
                   or overlap(rotated[row], rotated[better]) <= .8 for better in kept)
        if visible and free:
            kept.append(row)
    centres = (rotated[kept, :2] - [box.pad_left, box.pad_top]) / [box.scale_x, box.scale_y]
    sizes = rotated[kept, 2:4] / [box.scale_x, box.scale_y]
    assert len(kept) > 2
    for found in (on_device, on_host):
        assert len(found) == len(kept)
        np.testing.assert_allclose((found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2,
                                   centres, atol=1e-3)
        np.testing.assert_allclose(found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2], sizes,
                                   atol=1e-3)
        np.testing.assert_allclose(found.angles_rad, rotated[kept, 4], atol=1e-4)
        np.testing.assert_allclose(found.scores, scores[kept], atol=1e-4)
        np.testing.assert_array_equal(found.class_ids, class_ids[kept])


def test_oriented_iou_matches_the_reference() -> None:
    random = np.random.default_rng(0)
    boxes = np.concatenate([random.uniform(0, 60, (20, 2)), random.uniform(5, 40, (20, 2)),
                            random.uniform(-.8, 2.4, (20, 1))], 1)
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2,
                              boxes[:, 4:]], 1).astype(np.float32)
    expected = [[overlap(first, second) for second in boxes] for first in boxes]
    np.testing.assert_allclose(oriented_iou(corners, corners), expected, atol=1e-3)


def test_corners_match_opencv() -> None:
    box, angle = np.array([[10, 20, 50, 30]], np.float32), 0.3
    corners = oriented_corners(box, np.array([angle], np.float32))[0]
    expected = cv2.boxPoints(((30, 25), (40, 10), float(np.degrees(angle))))
    assert all(np.abs(corners - point).max(1).min() < 1e-4 for point in expected)


def test_keypoints_and_oriented_boxes_are_drawn(tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, max_detections=3)
    for model in (obb_model((96, 64), 2), pose_model((96, 64), 2, (5, 3))):
        found, *_ = both_ways(model, thresholds, tmp_path)
        blank = np.zeros((91, 150, 3), np.uint8)
        assert draw_detections(blank.copy(), found, ('a', 'b')).any()


@pytest.mark.parametrize('task, rows, shape, match', [
    ('pose', 4 + 1 + 51, '', 'kpt_shape'), ('pose', 4 + 51, '[17, 3]', 'kpt_shape'),
    ('pose', 60, '[17, 4]', 'kpt_shape'), ('pose', 60, "__import__('os')", 'kpt_shape'),
    ('obb', 5, '', r'classes \+ 1, anchors')])
def test_invalid_pose_and_obb_heads_are_refused(task: str, rows: int, shape: str, match: str,
                                                tmp_path: Path) -> None:
    model = dense_model((64, 64), rows - 4, metadata={'task': task, 'kpt_shape': shape})
    with pytest.raises(ModelError, match=match):
        build_in_memory(save(model, tmp_path / 'm.onnx'), OPTIONS)


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
def test_tensorrt_builds_pose_and_obb(tmp_path: Path) -> None:
    for name, model in (('pose', pose_model((64, 64), 2, (5, 3))),
                        ('obb', obb_model((64, 64), 2))):
        built, _ = build_engine(save(model, tmp_path / f'{name}.onnx'),
                                tmp_path / f'{name}.engine',
                                BuildOptions(backend=installed_tensorrt()))
        assert built.task == name and built.backend == installed_tensorrt()
