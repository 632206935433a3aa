# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks of current exporters: engine and host decode what the plain loops do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support import current_networks as networks
from support.building import build_in_memory, head_of, raw_outputs
from support.detector_networks import suppressed
from support.detector_reference import expected_in_source
from support.frames import noise_frame
from support.models import save
from support.net import FLOAT, INT64, Net

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.runtime.pipeline import detect, infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.thresholds import Thresholds

OPTIONS = BuildOptions(backend='onnxruntime')


@pytest.mark.parametrize('name', networks.NETWORKS)
def test_device_and_host_decoding_match_the_reference(name: str, tmp_path: Path) -> None:
    make, reference, suppresses = networks.NETWORKS[name]
    path = save(make(), tmp_path / 'm.onnx')
    built = build_in_memory(path, OPTIONS)
    assert built.manifest.head == name.replace('_plus', '')
    frame = noise_frame((150, 91), 1)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    candidates = reference(raw)
    thresholds = Thresholds(max(float(np.median(candidates[1])) - 1e-3, 0.0), nms_iou=0.5,
                            max_detections=1000)
    boxes, scores, class_ids = expected_in_source('yolo' if suppresses else '', candidates,
                                                  letterbox, thresholds)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = detect(runtime, frame, thresholds)
    on_host = head_of(path, OPTIONS).decode(raw, letterbox, thresholds)
    assert len(boxes) > 2
    for found in (on_device, on_host):
        assert len(found) == len(boxes)
        error_px = np.abs(found.boxes_xyxy[:, None] - boxes[None]).max(2)
        same = (error_px < 2e-3) & (np.abs(found.scores[:, None] - scores[None]) < 1e-4)
        same &= found.class_ids[:, None] == class_ids[None]
        assert same.any(0).all() and same.any(1).all()


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('name', networks.NETWORKS)
def test_tensorrt_builds_them(name: str, tmp_path: Path) -> None:
    path = save(networks.NETWORKS[name][0](), tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions(backend=installed_tensorrt()))
    assert built.manifest.decoder == HEADS[built.manifest.head].name


@pytest.mark.parametrize('people', [1, 6])
def test_movenet_has_keypoints_and_boxes(people: int, tmp_path: Path) -> None:
    path = save(networks.movenet(people), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', task='pose', labels=('person',))
    built = build_in_memory(path, options)
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.01)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    rows = raw['output_0'].reshape(people, -1)
    points = rows[:, :51].reshape(-1, 17, 3)[:, :, [1, 0, 2]] * np.array([96, 64, 1], np.float32)
    expected = letterbox.keypoints_to_source(points)
    scores = rows[:, 55] if people == 6 else points[..., 2].mean(1)
    order = np.argsort(-scores)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device = infer(runtime, frame, thresholds)[0]
    for found in (on_device, head_of(path, options).decode(raw, letterbox, thresholds)):
        assert found.keypoints is not None and 0 < len(found) <= people
        for index, score in enumerate(found.scores):
            row = order[np.abs(scores[order] - score).argmin()]
            np.testing.assert_allclose(found.keypoints[index], expected[row], atol=2e-3)
    np.testing.assert_allclose(on_device.boxes_xyxy, found.boxes_xyxy, atol=2e-3)


def test_rf_detr_masks_are_those_of_their_queries(tmp_path: Path) -> None:
    path = save(networks.rf_detr(masks=True), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', task='segment')
    built = build_in_memory(path, options)
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.5)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device = infer(runtime, frame, thresholds)[0]
    on_host = head_of(path, options).decode(raw, letterbox, thresholds)
    assert len(on_host.detections) > 3 and on_host.instance_map.any()
    np.testing.assert_array_equal(on_device.instance_map, on_host.instance_map)
    best = int(np.argmax(raw['labels'][0].max(1)))
    cell = raw['masks'][0, best] > 0
    shown = on_host.instance_map == 1
    left, top, right, bottom = on_host.detections.boxes_xyxy[0].astype(int)
    centres = [(y, x) for y in range(16) for x in range(32)
               if top + 6 < (y + .5) * 91 / 16 < bottom - 6
               and left + 5 < (x + .5) * 150 / 32 < right - 5]
    agree = [shown[int((y + .5) * 91 / 16), int((x + .5) * 150 / 32)] == cell[y, x]
             for y, x in centres]
    assert not agree or np.mean(agree) > 0.9


def test_labels_decide_whether_the_last_logit_counts(tmp_path: Path) -> None:
    model = networks.rf_detr()
    del model.metadata_props[:]
    path = save(model, tmp_path / 'm.onnx')
    for count in (4, 5):
        labels = tuple(f'c{index}' for index in range(count))
        head = head_of(path, BuildOptions(labels=labels))
        assert (head.name, head.labels) == ('rf_detr', labels)
    for labels, message in ((('a', 'b'), '5 or 4 classes|4 or 5 classes'), ((), 'give labels')):
        with pytest.raises(ModelError, match=message):
            head_of(path, BuildOptions(labels=labels))


def test_peaks_in_pixels_are_refused(tmp_path: Path) -> None:
    path = save(networks.centernet(scale=4.0), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='expected cells of 4 pixels') as refused:
        head_of(path)
    assert refused.value.code == 'head_ambiguous'


def objects(more: str) -> Net:
    """Return a network in torchvision's format with masks or keypoints."""
    net = Net((96, 64), 8)
    boxes, scores, column = suppressed(net, 3)
    net('Identity', boxes, outputs=['boxes'])
    net('Add', column, np.array(1), outputs=['labels'])
    net('Identity', scores, outputs=['scores'])
    each = net('Unsqueeze', net('Mul', scores, np.array(2.)), np.array([1]))
    if more == 'masks':
        image = net('Reshape', net('ReduceMean', 'images', np.array([1])), np.array([1, -1]))
        net('Reshape', net('Mul', each, image), np.array([-1, 1, 64, 96]), outputs=[more])
    else:
        line = np.arange(15).reshape(1, 15) * 4.
        net('Reshape', net('Mul', each, line), np.array([-1, 5, 3]), outputs=[more])
    return net


@pytest.mark.parametrize('task, more, shape', [
    ('segment', 'masks', ['n', 1, 64, 96]), ('segment', 'masks', ['n', 1, 'h', 'w']),
    ('pose', 'keypoints', ['n', 5, 3])])
def test_objects_of_torchvision(task: str, more: str, shape: list[object], tmp_path: Path) -> None:
    model = objects(more).model({'boxes': (FLOAT, ['n', 4]), 'labels': (INT64, ['n']),
                                 'scores': (FLOAT, ['n']), more: (FLOAT, shape)}, 3)
    path = save(model, tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', task=task)
    built = build_in_memory(path, options)
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.02)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device = infer(runtime, frame, thresholds)[0]
    head = head_of(path, options)
    on_host = head.decode(raw, letterbox, thresholds)
    assert head.labels[0] == 'background' and len(head.labels) == 4
    if task == 'segment':
        assert on_host.instance_map.any()
        np.testing.assert_array_equal(on_device.instance_map, on_host.instance_map)
        on_device, on_host = on_device.detections, on_host.detections
    else:
        np.testing.assert_allclose(on_device.keypoints, on_host.keypoints, atol=1e-3)
    assert len(on_host) > 3
    np.testing.assert_allclose(on_device.boxes_xyxy, on_host.boxes_xyxy, atol=1e-3)
    np.testing.assert_array_equal(on_device.class_ids, on_host.class_ids)
