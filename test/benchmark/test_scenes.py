# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Scenes with a known number of objects: planting, measuring, tables and curves."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from support.models import dense_model, end_to_end_model, save

from edge_trt_ros.benchmark.camera_scenes import measure_cameras
from edge_trt_ros.benchmark.opponents import ultralytics
from edge_trt_ros.benchmark.planted_objects import planted_objects
from edge_trt_ros.benchmark.report_page import write_report_page
from edge_trt_ros.benchmark.scene_picture import scene_picture
from edge_trt_ros.benchmark.scene_table import camera_table, scene_table
from edge_trt_ros.benchmark.scenes import measure_scenes, SceneChoice
from edge_trt_ros.convert.graph.planted import planted_network
from edge_trt_ros.errors import ConfigurationError, MissingLibraryError
from edge_trt_ros.heads.yolo_dense import decode
from edge_trt_ros.vision.letterbox import Letterbox

SIZES = [(640, 480), (1280, 720), (90, 160)]


@pytest.mark.parametrize('dtype', [np.float32, np.float16])
def test_the_planted_network_adds_values(dtype: Any, tmp_path: Path) -> None:
    model = dense_model((32, 32))
    path = save(model, tmp_path / 'small.onnx')
    image = np.random.default_rng(1).random((1, 3, 32, 32), np.float32)
    raw = onnxruntime.InferenceSession(path.read_bytes()).run(None, {'images': image})[0]
    if dtype == np.float16:
        model = onnx.load_model_from_string(path.read_bytes())
        model.graph.node[-1].output[0] = 'wide'
        model.graph.node.append(onnx.helper.make_node(
            'Cast', ['wide'], ['output0'], to=onnx.TensorProto.FLOAT16))
        model.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT16
        path = save(model, tmp_path / 'half.onnx')
    values = np.random.default_rng(2).random(raw.shape, np.float32)
    planted = planted_network(path, values, 0.5)
    onnx.checker.check_model(onnx.load_model_from_string(planted), full_check=True)
    found = onnxruntime.InferenceSession(planted).run(None, {'images': image})[0]
    assert found.dtype == dtype
    np.testing.assert_allclose(found, 0.5 * raw + values, rtol=2e-3 if dtype == np.float16 else
                               1e-6)


@pytest.mark.parametrize('classes', [1, 5, 80])
@pytest.mark.parametrize('most', [1, 30, 300])
def test_thresholds_select_the_number_of_objects(classes: int, most: int) -> None:
    planted = planted_objects((1, 4 + classes, 2352), (448, 256), SIZES, most)
    for wanted in {0, 1, most // 2, most}:
        for size_wh in SIZES:
            letterbox = Letterbox.fit(size_wh, (448, 256))
            found = decode({'output0': planted.values}, letterbox, planted.thresholds(wanted))
            assert len(found) == wanted
            # No object is clipped at the border of an image.
            boxes = letterbox.boxes_to_network(found.boxes_xyxy)
            assert not wanted or np.ptp(boxes[:, 2] - boxes[:, 0]) < 0.01


def test_more_objects_than_boxes_are_rejected() -> None:
    with pytest.raises(ConfigurationError, match='--objects is 22, expected at most 21: .* 64 '):
        planted_objects((1, 84, 64), (64, 64), SIZES, 22)


@pytest.fixture(scope='module')
def scenes(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    path = save(dense_model((160, 96)), tmp_path_factory.mktemp('scenes') / 'small.onnx')
    return measure_scenes(path, SceneChoice([0, 1, 20], SIZES[:2], ['fp32'], 5), 'onnxruntime')


def test_scenes_contain_what_was_asked_for(scenes: list[dict[str, Any]]) -> None:
    assert [(tuple(scene['source_size_wh']), scene['objects']) for scene in scenes] == [
        (size_wh, objects) for size_wh in SIZES[:2] for objects in (0, 1, 20)]
    for scene in scenes:
        assert scene['detections'] == scene['objects'] and scene['frames'] == 5
        assert 0 < scene['floor_ms']['p50'] < scene['results_ms']['p50'] < scene['frame_ms']['p50']
        assert scene['ratio_to_floor'] == pytest.approx(
            scene['frame_ms']['p50'] / scene['floor_ms']['p50'], rel=0.05)
        assert {'preprocess', 'network', 'postprocess', 'message'} <= set(scene['stages_ms'])
    assert scenes[2]['message']['ratio'] < 1


def test_table_and_picture_of_scenes(scenes: list[dict[str, Any]]) -> None:
    lines = scene_table(scenes).splitlines()
    assert len(lines) == 7 and '/ floor' in lines[0] and len(set(map(len, lines))) == 1
    assert lines[3].split()[:4] == ['640x480', 'fp32', '20', '20']
    picture = scene_picture(scenes, 'small.onnx')
    assert picture.dtype == np.uint8 and len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
    slower = [{**scene, 'frame_ms': {**scene['frame_ms'], 'p99': 2 * scene['frame_ms']['p99']}}
              for scene in scenes]
    assert (scene_picture(slower, 'small.onnx') != picture).any()


def test_images_of_several_cameras(tmp_path: Path) -> None:
    path = save(dense_model((160, 96)), tmp_path / 'small.onnx')
    choice = SceneChoice([1, 20], SIZES[:2], ['fp32', 'fp16'], 3)
    found = measure_cameras(path, choice, [1, 4], 'onnxruntime')
    assert [(tuple(scene['source_size_wh']), scene['precision'], scene['cameras'])
            for scene in found] == [(size_wh, precision, cameras)
                                    for precision in ('fp32', 'fp16') for size_wh in SIZES[:2]
                                    for cameras in (1, 4)]
    for scene in found:
        # ONNX Runtime runs one image after the other.
        assert scene['detections'] == scene['objects'] == 20 and scene['together'] == 1
        assert 0 < scene['round_ms']['p50'] <= scene['round_ms']['p99']
        assert scene['images_per_second'] > 0
    lines = camera_table(found).splitlines()
    assert len(lines) == 9 and len(set(map(len, lines))) == 1
    assert lines[2].split()[:6] == ['640x480', 'fp32', '4', '1', '20', '20']
    write_report_page(tmp_path / 'page.html', {'machine': {'date': 'today'}, 'cameras': found})
    assert 'Images of several cameras' in (tmp_path / 'page.html').read_text()


def test_another_head_is_rejected(tmp_path: Path) -> None:
    path = save(end_to_end_model(), tmp_path / 'other.onnx')
    with pytest.raises(ConfigurationError, match='whose head is yolo_end_to_end: use a detector'):
        measure_scenes(path, SceneChoice([1], SIZES, ['fp32'], 1), 'onnxruntime')


def test_ultralytics_detects_the_planted_objects(tmp_path: Path) -> None:
    if importlib.util.find_spec('ultralytics') is None:
        with pytest.raises(MissingLibraryError, match='needs Ultralytics .* pip install ultra'):
            ultralytics(tmp_path / 'small.onnx', (160, 96))
        pytest.skip('Ultralytics is not installed')
    path = save(dense_model((160, 96)), tmp_path / 'small.onnx')
    choice = SceneChoice([0, 20], SIZES[:1], ['fp32'], 3, 'ultralytics')
    for scene in measure_scenes(path, choice, 'onnxruntime'):
        assert scene['ultralytics']['detections'] == scene['objects'] == scene['detections']
        assert scene['ultralytics']['results_ms']['p50'] > 0
