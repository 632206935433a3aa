# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Classifiers that Ultralytics exports: the best five classes are those of its own predictor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import pytest
from support.building import build_in_memory

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.sources.sample_images import road_images
from edge_trt_ros.vision.thresholds import Thresholds

torch = pytest.importorskip('torch', reason='exports of Ultralytics need PyTorch')
ultralytics = pytest.importorskip('ultralytics', reason='Ultralytics is not installed')


def pictures() -> list[NDArray[np.uint8]]:
    """Return 20 pictures of four shapes."""
    found = []
    for frame in road_images():
        image = np.ascontiguousarray(frame.pixels[..., :3])
        height, width = image.shape[:2]
        found += [image, image[:, :width // 2].copy(), image[height // 4:].copy(),
                  cv2.flip(image, 1)]
    return found[:20]


def classifier(name: str) -> Any:
    """Return a network whose classes depend on the picture, without trained weights."""
    torch.manual_seed(0)
    model = ultralytics.YOLO(name)
    layers = [layer for layer in model.model.modules()
              if isinstance(layer, torch.nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = None
        layer.reset_running_stats()
    batch = torch.stack([torch.from_numpy(cv2.resize(picture, (224, 224)).transpose(2, 0, 1) / 255)
                         for picture in pictures()]).float()
    with torch.no_grad():
        model.model.train()(batch)
        model.model.model[-1].linear.weight *= 20
    model.model.eval()
    return model


@pytest.mark.parametrize('name, imgsz', [
    ('yolov8n-cls.yaml', 224), ('yolo11n-cls.yaml', 224), ('yolo26n-cls.yaml', [160, 256])])
def test_the_best_five_classes_are_those_of_the_predictor(
        name: str, imgsz: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = classifier(name)
    path = Path(model.export(format='onnx', imgsz=imgsz, simplify=False))
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    assert 'assumed' not in built.manifest.verification
    assert built.manifest.image_input.resize == 'pillow'
    largest = 0.0
    with open_engine(built.engine, built.manifest).runtime as runtime:
        for picture in pictures():
            theirs = model.predict(picture, verbose=False, imgsz=imgsz)[0].probs
            own, _ = infer(runtime, Frame.from_array(picture), Thresholds(top_k=5))
            largest = max(largest, float(np.abs(own.scores - theirs.top5conf.numpy()).max()))
            assert set(own.class_ids.tolist()) == set(theirs.top5)
    print(json.dumps({'network': name, 'pictures': len(pictures()), 'largest': largest}))
    # From version 13 on, Pillow filters the rows of some sizes first, which rounds otherwise.
    assert largest <= (1e-3 if imgsz == 224 else 5e-3)
