# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The demo's training: the loss falls, and the converter accepts the export."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

torch = pytest.importorskip('torch', reason='training the demo model needs torch')

from edge_trt_ros import __version__  # noqa: E402
from edge_trt_ros.demo.detector.evaluate import evaluate  # noqa: E402
from edge_trt_ros.demo.detector.loss import (complete_iou, detection_loss,  # noqa: E402
                                             pairwise_iou)
from edge_trt_ros.demo.detector.network import RoadUserNet  # noqa: E402
from edge_trt_ros.demo.detector.samples import augmented, render_samples, Sample  # noqa: E402
from edge_trt_ros.demo.detector.train import (export_detector, EXPORTED_SIZE_WH,  # noqa: E402
                                              images_tensor, targets_tensor, train)
from edge_trt_ros.demo.road.scene import CLASS_NAMES  # noqa: E402
from edge_trt_ros.errors import ModelError  # noqa: E402
from edge_trt_ros.export import export  # noqa: E402
from edge_trt_ros.export.options import ExportOptions  # noqa: E402
from edge_trt_ros.opening import open_network  # noqa: E402

SIZE_WH = (384, 224)
CELLS = 56 * 32 + 28 * 16 + 14 * 8


@pytest.fixture(scope='module')
def samples() -> list[Sample]:
    return render_samples(1, 6, 1)


@pytest.fixture
def net() -> RoadUserNet:
    torch.manual_seed(0)
    return RoadUserNet(len(CLASS_NAMES), SIZE_WH)


def test_samples_are_letterboxed(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.image.shape == (224, 384, 3) and sample.image.dtype == np.uint8
        assert np.all(sample.image[:4] == 114) and np.all(sample.image[-4:] == 114)
        assert np.all(sample.boxes_xyxy[:, 1] >= 4) and np.all(sample.boxes_xyxy[:, 3] <= 220)


def test_augmentation_keeps_boxes_on_their_objects(samples: list[Sample]) -> None:
    marked = Sample(np.zeros((224, 384, 3), np.uint8), np.array([[100, 60, 140, 100]], np.float32),
                    np.array([1]), np.array([True]))
    marked.image[60:100, 100:140] = 255
    for seed in range(20):
        other = augmented(marked, np.random.default_rng(seed))
        bright = other.image.min(axis=2) > 170
        rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
        extent = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        inside = np.clip(other.boxes_xyxy[0], 0, (384, 224, 384, 224))
        assert inside == pytest.approx(extent, abs=1.2)


def test_a_few_steps_lower_the_loss(net: RoadUserNet, samples: list[Sample]) -> None:
    def loss() -> float:
        with torch.no_grad():
            return float(detection_loss(net, net(images_tensor(samples)),
                                        targets_tensor(samples)))

    before = loss()
    train(net, samples, seed=0, steps=25, batch_size=4)
    assert np.isfinite(before) and loss() < 0.8 * before


def test_frames_without_objects_have_a_finite_loss(net: RoadUserNet) -> None:
    empty = Sample(np.full((224, 384, 3), 90, np.uint8), np.zeros((0, 4), np.float32),
                   np.zeros(0, np.int64), np.zeros(0, bool))
    loss = detection_loss(net, net(images_tensor([empty])), targets_tensor([empty]))
    assert torch.isfinite(loss)


def test_overlaps() -> None:
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    half = torch.tensor([[5.0, 0.0, 15.0, 10.0]])
    assert pairwise_iou(box[None], half[None]).item() == pytest.approx(1 / 3)
    assert complete_iou(box, box).item() == pytest.approx(1)
    assert complete_iou(box, half).item() < 1 / 3


def test_the_export_has_the_metadata_and_layout_of_ultralytics(net: RoadUserNet, tmp_path: Path
                                                               ) -> None:
    path = tmp_path / 'm.onnx'
    report = export_detector(net.eval(), path, '{"seed": 0}')
    assert path.stat().st_size < 3_000_000
    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    [image_input], [output] = session.get_inputs(), session.get_outputs()
    assert (image_input.name, image_input.shape) == ('images', [1, 3, 256, 448])
    assert (output.name, output.shape) == ('output0', [1, 4 + len(CLASS_NAMES), CELLS])
    metadata = session.get_modelmeta().custom_metadata_map
    assert ast.literal_eval(metadata['names']) == dict(enumerate(CLASS_NAMES))
    assert metadata['stride'] == '32' and metadata['imgsz'] == '[256, 448]'
    assert metadata['task'] == 'detect' and metadata['batch'] == '1'
    assert metadata['author'] == 'edge_trt_ros' and metadata['license'] == 'Apache-2.0'
    assert metadata['version'] == __version__ and metadata['training'] == '{"seed": 0}'
    assert metadata['description'] == 'Road users of the synthetic road of edge_trt_ros'
    assert report['parity']['images'] == 4 and report['parity']['max_error'] < 0.01
    found = session.run(None, {'images': np.full((1, 3, 256, 448), 0.4, np.float32)})[0]
    assert np.all(found[:, 2:4] >= 0) and np.all((found[:, 4:] >= 0) & (found[:, 4:] <= 1))
    enlarged = RoadUserNet(len(CLASS_NAMES), EXPORTED_SIZE_WH).eval()
    enlarged.load_state_dict(net.state_dict())
    with torch.no_grad():
        raw = enlarged(torch.full((1, 3, 256, 448), 0.4))
        low, high = enlarged.boxes(raw)[0].numpy()[:, :2], enlarged.boxes(raw)[0].numpy()[:, 2:]
    assert found[0, :2].T == pytest.approx((low + high) / 2, abs=1e-2)
    with open_network(path).runtime as runtime:
        assert runtime.manifest.head == 'yolo_dense'
        assert runtime.manifest.labels == CLASS_NAMES
        assert evaluate(runtime, frames=1, confidence=0.3)['frames'] == 1


def test_an_export_that_differs_from_the_network_is_rejected(
        net: RoadUserNet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = export._finish

    def harm(model: onnx.ModelProto, options: ExportOptions) -> None:
        for tensor in model.graph.initializer:
            if tensor.name.endswith('scores.2.bias'):
                tensor.CopyFrom(onnx.numpy_helper.from_array(
                    onnx.numpy_helper.to_array(tensor) + np.float32(2), tensor.name))
        finish(model, options)
    monkeypatch.setattr(export, '_finish', harm)
    with pytest.raises(ModelError, match='the ONNX differs from the network in PyTorch'):
        export_detector(net.eval(), tmp_path / 'm.onnx')
    assert [path.name for path in tmp_path.iterdir()] == ['m.rejected.onnx']
