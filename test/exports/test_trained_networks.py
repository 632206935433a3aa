# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Engines of trained networks give in fp32 what Ultralytics' predictor gives for the weights.

`make test-trained` trains two of them (`benchmark.gate.train`) and runs this. The third is the
demo's detector, whose predictor runs its ONNX file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest
from support.building import build_in_memory

from edge_trt_ros.benchmark.gate.road_data import crops
from edge_trt_ros.benchmark.gate.train import (CLASSIFIER, CLASSIFIER_SIDE, DETECTOR,
                                               DETECTOR_SIZE_HW)
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.detector.samples import scene_frames, TEST_SEED
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.matching import matched_pairs
from edge_trt_ros.vision.thresholds import Thresholds

FOLDER = os.environ.get('TRAINED_NETWORKS', '')
pytestmark = [
    pytest.mark.skipif(not FOLDER, reason='no trained networks: `make test-trained` runs this'),
    pytest.mark.skipif(find_spec('ultralytics') is None, reason='Ultralytics is not installed'),
    pytest.mark.timeout(600)]

FRAMES, FRAMES_PER_SCENE = 20, 2
THRESHOLDS = Thresholds(0.25, 0.7, 300)
BOX_PX, SCORE = 0.01, 1e-4
# A score this close to the threshold may be above it on one side only.
NEAR_THRESHOLD = 1e-3


@contextmanager
def opened(weights: Path) -> Iterator[tuple[Any, Any]]:
    """Yield the fp32 engine of the ONNX file, and Ultralytics' network of the weights."""
    from ultralytics import YOLO

    path = weights.with_suffix('.onnx')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime', precision='fp32'))
    with open_engine(built.engine, built.manifest).runtime as runtime:
        yield runtime, YOLO(str(weights), task=built.manifest.task)


def frames() -> Iterator[Any]:
    """Yield frames of scenes that are not part of the training."""
    yield from scene_frames(TEST_SEED, FRAMES, FRAMES_PER_SCENE)


def result_of(runtime: Any, image: NDArray[np.uint8]) -> Any:
    return infer(runtime, Frame.from_array(image, 'bgr8'), THRESHOLDS)[0]


@pytest.mark.parametrize('weights', [Path(FOLDER, f'{DETECTOR}.pt'), MODEL_PATH],
                         ids=[DETECTOR, 'demo'])
def test_detectors_agree_with_the_predictor(weights: Path) -> None:
    pairs, boxes_px, scores, largest_unmatched = 0, 0.0, 0.0, 0.0
    with opened(weights) as (runtime, model):
        for frame in frames():
            own = result_of(runtime, frame.image)
            found = model.predict(
                frame.image, imgsz=DETECTOR_SIZE_HW, rect=False, conf=THRESHOLDS.confidence,
                iou=THRESHOLDS.nms_iou, max_det=THRESHOLDS.max_detections, device='cpu',
                verbose=False)[0].boxes.cpu().numpy()
            theirs = Detections(found.xyxy, found.conf, found.cls.astype(np.int64))
            matched = matched_pairs(own, theirs)
            first, second = np.array(matched, int).reshape(-1, 2).T
            pairs += len(matched)
            boxes_px = max(boxes_px, largest(own.boxes_xyxy[first] - theirs.boxes_xyxy[second]))
            scores = max(scores, largest(own.scores[first] - theirs.scores[second]))
            largest_unmatched = max(largest_unmatched, largest(np.delete(own.scores, first)),
                                    largest(np.delete(theirs.scores, second)))
    print(json.dumps({
        'network': weights.stem, 'frames': FRAMES, 'pairs': pairs, 'box_px': boxes_px,
        'score': scores, 'largest_unmatched': largest_unmatched}))
    assert pairs >= 5 * FRAMES
    assert largest_unmatched <= THRESHOLDS.confidence + NEAR_THRESHOLD
    assert boxes_px <= BOX_PX and scores <= SCORE


def test_the_classifier_agrees_with_the_predictor() -> None:
    """Crops of objects have the size of the network's input; the whole frame is resized."""
    count, scores, seen = 0, 0.0, set()
    with opened(Path(FOLDER, f'{CLASSIFIER}.pt')) as (runtime, model):
        for frame in frames():
            for picture in (*(crop for _, crop in crops(frame)), frame.image):
                own = result_of(runtime, picture)
                theirs = model.predict(picture, imgsz=CLASSIFIER_SIDE, device='cpu',
                                       verbose=False)[0].probs.data.numpy()
                scores = max(scores, largest(own.scores - theirs[own.class_ids]))
                assert len(own.scores) == len(theirs) == len(CLASS_NAMES)
                seen.add(int(theirs.argmax()))
                count += 1
    print(json.dumps({'network': CLASSIFIER, 'pictures': count, 'score': scores}))
    assert count >= 2 * FRAMES and len(seen) >= 3
    assert scores <= SCORE


def largest(values: NDArray[Any]) -> float:
    return float(np.abs(values).max(initial=0))
