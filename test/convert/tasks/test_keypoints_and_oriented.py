"""Keypoints and oriented boxes, fused and unfused, against arithmetic written here."""

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

RECIPE = BuildOptions(backend='onnxruntime')


def pose_model(size_wh: tuple[int, int], classes: int, shape: tuple[int, int]
               ) -> onnx.ModelProto:
    return dense_model(size_wh, classes + shape[0] * shape[1], weight=1.0, metadata={
        'task': 'pose', 'kpt_shape': str(list(shape)), 'names': str(['p'] * classes)})


def obb_model(size_wh: tuple[int, int], classes: int) -> onnx.ModelProto:
    return dense_model(size_wh, classes + 1, weight=1.0, metadata={
        'task': 'obb', 'names': str([f'c{index}' for index in range(classes)])})


def both_ways(model: onnx.ModelProto, size_wh: tuple[int, int], thresholds: Thresholds,
              folder: Path) -> tuple[Any, Any, np.ndarray, Any]:
    path = save(model, folder / 'm.onnx')
    built, frame = build_in_memory(path, RECIPE), noise_frame((150, 91), 3)
    raw, box = raw_outputs(path, built.manifest, frame)
    unfused = head_of(path, RECIPE).decode(raw, box, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        fused, _ = detect(runtime, frame, thresholds)
    return fused, unfused, raw['output0'][0].astype(np.float64), box


@pytest.mark.parametrize('size_wh, classes, shape', [
    ((96, 64), 1, (17, 3)), ((64, 64), 3, (7, 2)), ((160, 128), 2, (5, 3))])
def test_keypoints(size_wh: tuple[int, int], classes: int, shape: tuple[int, int],
                   tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, nms_iou=0.9)
    fused, unfused, raw, box = both_ways(pose_model(size_wh, classes, shape), size_wh,
                                         thresholds, tmp_path)
    scores = raw[4:4 + classes].max(0)
    for found in (fused, unfused):
        assert len(found) > 2 and found.keypoints.shape == (len(found), shape[0], 3)
        for index in range(len(found)):
            anchor = int(np.argmin(np.abs(scores - found.scores[index])))
            points = raw[4 + classes:, anchor].reshape(shape)
            expected = np.stack([(points[:, 0] - box.pad_left) / box.scale_x,
                                 (points[:, 1] - box.pad_top) / box.scale_y,
                                 points[:, 2] if shape[1] == 3 else np.full(
                                     shape[0], scores[anchor])], 1)
            np.testing.assert_allclose(found.keypoints[index], expected, atol=1e-3)
    np.testing.assert_allclose(fused.keypoints, unfused.keypoints, atol=1e-3)
    np.testing.assert_allclose(fused.boxes_xyxy, unfused.boxes_xyxy, atol=1e-3)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Return 1 less the Hellinger distance of two boxes (x, y, w, h, angle) as normal ones."""
    covariances = []
    for _, _, width, height, angle in (one, other):
        turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
        covariances.append(turn @ np.diag([width ** 2 / 12, height ** 2 / 12]) @ turn.T)
    mean = sum(covariances) / 2
    apart = one[:2] - other[:2]
    distance = apart @ np.linalg.inv(mean) @ apart / 8 + log(
        np.linalg.det(mean) / sqrt(np.prod([np.linalg.det(each) for each in covariances]))) / 2
    return 1 - sqrt(max(1 - exp(-distance), 0))


@pytest.mark.parametrize('size_wh, classes', [((96, 64), 1), ((160, 128), 4)])
def test_oriented_boxes(size_wh: tuple[int, int], classes: int, tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, nms_iou=0.8)
    fused, unfused, raw, box = both_ways(obb_model(size_wh, classes), size_wh, thresholds,
                                         tmp_path)
    scores, class_ids = raw[4:-1].max(0), raw[4:-1].argmax(0)
    rotated = np.concatenate([raw[:4], raw[-1:]]).T
    kept: list[int] = []
    for one in np.argsort(-scores, kind='stable').tolist():
        if scores[one] < 0.12:
            break
        x, y = cv2.boxPoints((rotated[one, :2], rotated[one, 2:4],
                              np.degrees(rotated[one, 4]))).T
        seen = (x.max() > box.pad_left and x.min() < box.pad_left + 150 * box.scale_x
                and y.max() > box.pad_top and y.min() < box.pad_top + 91 * box.scale_y)
        free = all(class_ids[one] != class_ids[other]
                   or overlap(rotated[one], rotated[other]) <= .8 for other in kept)
        if seen and free:
            kept.append(one)
    centres = (rotated[kept, :2] - [box.pad_left, box.pad_top]) / [box.scale_x, box.scale_y]
    sizes = rotated[kept, 2:4] / [box.scale_x, box.scale_y]
    assert len(kept) > 2
    for found in (fused, unfused):
        assert len(found) == len(kept)
        np.testing.assert_allclose((found.boxes_xyxy[:, :2] + found.boxes_xyxy[:, 2:]) / 2,
                                   centres, atol=1e-3)
        np.testing.assert_allclose(found.boxes_xyxy[:, 2:] - found.boxes_xyxy[:, :2], sizes,
                                   atol=1e-3)
        np.testing.assert_allclose(found.angles_rad, rotated[kept, 4], atol=1e-4)
        np.testing.assert_allclose(found.scores, scores[kept], atol=1e-4)
        np.testing.assert_array_equal(found.class_ids, class_ids[kept])


def test_overlap_of_oriented_boxes() -> None:
    random = np.random.default_rng(0)
    boxes = np.concatenate([random.uniform(0, 60, (20, 2)), random.uniform(5, 40, (20, 2)),
                            random.uniform(-.8, 2.4, (20, 1))], 1)
    corners = np.concatenate([boxes[:, :2] - boxes[:, 2:4] / 2, boxes[:, :2] + boxes[:, 2:4] / 2,
                              boxes[:, 4:]], 1).astype(np.float32)
    expected = [[overlap(one, other) for other in boxes] for one in boxes]
    np.testing.assert_allclose(oriented_iou(corners, corners), expected, atol=1e-3)


def test_corners_are_those_of_opencv() -> None:
    box, angle = np.array([[10, 20, 50, 30]], np.float32), 0.3
    corners = oriented_corners(box, np.array([angle], np.float32))[0]
    expected = cv2.boxPoints(((30, 25), (40, 10), float(np.degrees(angle))))
    assert all(np.abs(corners - point).max(1).min() < 1e-4 for point in expected)


def test_what_is_drawn(tmp_path: Path) -> None:
    thresholds = Thresholds(confidence=0.12, max_detections=3)
    for model in (obb_model((96, 64), 2), pose_model((96, 64), 2, (5, 3))):
        found, *_ = both_ways(model, (96, 64), thresholds, tmp_path)
        blank = np.zeros((91, 150, 3), np.uint8)
        assert draw_detections(blank.copy(), found, ('a', 'b')).any()


@pytest.mark.parametrize('task, rows, shape, match', [
    ('pose', 4 + 1 + 51, '', 'kpt_shape'), ('pose', 4 + 51, '[17, 3]', 'kpt_shape'),
    ('pose', 60, '[17, 4]', 'kpt_shape'), ('pose', 60, "__import__('os')", 'kpt_shape'),
    ('obb', 5, '', r'classes \+ 1, anchors')])
def test_heads_that_do_not_fit(task: str, rows: int, shape: str, match: str, tmp_path: Path
                               ) -> None:
    model = dense_model((64, 64), rows - 4, metadata={'task': task, 'kpt_shape': shape})
    with pytest.raises(ModelError, match=match):
        build_in_memory(save(model, tmp_path / 'm.onnx'), RECIPE)


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
def test_tensorrt_builds_them(tmp_path: Path) -> None:
    for name, model in (('pose', pose_model((64, 64), 2, (5, 3))),
                        ('obb', obb_model((64, 64), 2))):
        built, _ = build_engine(save(model, tmp_path / f'{name}.onnx'),
                                tmp_path / f'{name}.engine',
                                BuildOptions(backend=installed_tensorrt()))
        assert built.task == name and built.backend == installed_tensorrt()
