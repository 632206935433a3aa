# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detectors at the limits: 1 class and 1,200, no detections and 5,000."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.building import build_in_memory
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

SIDE = 640
CELLS = 8400


def fixed_model(boxes_xywh: np.ndarray, by_class: np.ndarray, labels: list[str]
                ) -> onnx.ModelProto:
    """Return a network [1, 3, 640, 640] that returns these boxes; all other scores are 0."""
    raw = np.zeros((1, 4 + by_class.shape[1], CELLS), np.float32)
    raw[0, :4, :len(boxes_xywh)], raw[0, 4:, :len(boxes_xywh)] = boxes_xywh.T, by_class.T
    nodes = [helper.make_node('ReduceMean', ['images'], ['mean'], keepdims=0),
             helper.make_node('Mul', ['mean', 'zero'], ['nothing']),
             helper.make_node('Add', ['raw', 'nothing'], ['output0'])]
    graph = helper.make_graph(
        nodes, 'fixed', [helper.make_tensor_value_info(
            'images', TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info('output0', TensorProto.FLOAT, raw.shape)],
        [numpy_helper.from_array(raw, 'raw'),
         numpy_helper.from_array(np.array(0, np.float32), 'zero')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    model.metadata_props.add(key='names', value=str(labels))
    return model


def found(model: onnx.ModelProto, folder: Path, thresholds: Thresholds = Thresholds(),
          **options: int) -> tuple[Detections, float]:
    """Return the detections of a network and the minimum decoding time of five runs in ms."""
    built = build_in_memory(save(model, folder / 'm.onnx'),
                            BuildOptions(backend='onnxruntime', **options))
    times_ms = []
    with open_engine(built.engine, built.manifest).runtime as runtime:
        for _ in range(5):
            detections, stages_ms = detect(runtime, noise_frame((SIDE, SIDE)), thresholds)
            times_ms.append(stages_ms['postprocess'])
    return detections, min(times_ms)


def grid(count: int, size: float) -> np.ndarray:
    """Return boxes (count, 4) of centres and sizes on a grid; with size < 1 they do not touch."""
    columns = int(np.ceil(np.sqrt(count)))
    step = SIDE / columns
    rows, places = np.divmod(np.arange(count), columns)
    return np.stack([(places + .5) * step, (rows + .5) * step, np.full(count, step * size),
                     np.full(count, step * size)], 1)


def test_5000_boxes_above_the_threshold(tmp_path: Path) -> None:
    scores = np.linspace(.9, .5, 5000)[:, None]
    for size in (.9, 8.0):  # separate, and overlapping
        model = fixed_model(grid(5000, size), scores, ['thing'])
        detections, decode_ms = found(model, tmp_path, Thresholds(max_detections=300))
        assert 0 < len(detections) <= 300 and decode_ms < 20
        np.testing.assert_allclose(detections.scores[0], .9, atol=1e-6)
        assert (np.diff(detections.scores) <= 0).all()
    apart, _ = found(fixed_model(grid(5000, .9), scores, ['thing']), tmp_path,
                     Thresholds(max_detections=3840), max_candidates=3840)
    assert len(apart) == 3840
    np.testing.assert_allclose(apart.scores, scores[:3840, 0], atol=1e-6)


def test_no_detections(tmp_path: Path) -> None:
    detections, decode_ms = found(fixed_model(grid(1, 1), np.zeros((1, 3)), ['a', 'b', 'c']),
                                  tmp_path)
    assert len(detections) == 0 and decode_ms < 5


@pytest.mark.parametrize('classes', [1, 1200])
def test_1_and_1200_classes(classes: int, tmp_path: Path) -> None:
    count = 100
    by_class = np.full((count, classes), .01)
    wanted = np.random.default_rng(0).integers(0, classes, count)
    by_class[np.arange(count), wanted] = np.linspace(.9, .3, count)
    labels = [f'class {index}' for index in range(classes)]
    detections, decode_ms = found(fixed_model(grid(count, .8), by_class, labels), tmp_path)
    assert detections.class_ids.tolist() == wanted.tolist() and decode_ms < 20


def test_classes_with_the_same_label_stay_separate(tmp_path: Path) -> None:
    boxes, scores = np.tile(grid(1, .5), (3, 1)), np.diag([.9, .8, .7])
    model = fixed_model(boxes, scores, ['car', 'bus', 'car'])
    detections, _ = found(model, tmp_path)
    # NMS treats them as two classes: their boxes do not suppress each other.
    assert detections.class_ids.tolist() == [0, 1, 2]
    kept, _ = found(model, tmp_path, Thresholds(class_ids=frozenset({0, 2})))
    assert kept.class_ids.tolist() == [0, 2]


@pytest.mark.parametrize('classes', [1, 1200])
def test_labels_of_1_and_1200_classes(classes: int, tmp_path: Path) -> None:
    built = build_in_memory(save(dense_model((64, 64), classes), tmp_path / 'm.onnx'),
                            BuildOptions(backend='onnxruntime'))
    assert len(built.manifest.labels) == classes
