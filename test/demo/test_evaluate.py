# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The evaluation of the demo's detector, and the accuracy of the shipped detector."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest

from edge_trt_ros.demo.detector.evaluate import evaluate
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.road.scene import CLASS_NAMES
from edge_trt_ros.demo.road.truth import Truth
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.evaluation.average_precision import average_precision, mean_average_precision
from edge_trt_ros.opening import open_network
from edge_trt_ros.vision.detections import Detections


def truth_of(*boxes: tuple[float, float, float, float]) -> Truth:
    count = len(boxes)
    return Truth(np.array(boxes, np.float32).reshape(-1, 4), np.zeros(count, np.int64),
                 np.ones(count, np.float32))


def found_of(*boxes: tuple[float, float, float, float]) -> Detections:
    count = len(boxes)
    return Detections(np.array(boxes, np.float32).reshape(-1, 4),
                      np.linspace(0.9, 0.5, count).astype(np.float32),
                      np.zeros(count, np.int64))


BOX, OTHER, TINY = (10, 10, 50, 50), (100, 10, 150, 60), (200, 10, 220, 20)


@pytest.mark.parametrize('truth, found, expected', [
    (truth_of(BOX, OTHER), found_of(BOX, OTHER), 1.0),
    (truth_of(BOX, OTHER), found_of(BOX), 0.5),
    (truth_of(BOX), found_of(OTHER), 0.0),
    (truth_of(BOX, TINY), found_of(TINY, BOX), 1.0),  # too small: ignored
])
def test_average_precision(truth: Truth, found: Detections, expected: float) -> None:
    pytest.importorskip('pycocotools', reason='mAP is computed by pycocotools')
    result = average_precision([truth.labelled_boxes()], [found], 1)[0, 0]
    assert result == pytest.approx(expected, abs=0.01)


def test_absent_classes_do_not_lower_the_mean() -> None:
    pytest.importorskip('pycocotools', reason='mAP is computed by pycocotools')
    truths = [truth_of(BOX).labelled_boxes()]
    assert mean_average_precision(truths, [found_of(BOX)], 3) == {'mAP50': 1, 'mAP50-95': 1}
    with pytest.raises(ConfigurationError, match='the labels contain no objects'):
        mean_average_precision([truth_of().labelled_boxes()], [found_of(BOX)], 3)


def test_the_shipped_model_detects_road_users() -> None:
    with open_network(MODEL_PATH).runtime as runtime:
        figures = evaluate(runtime, frames=12, confidence=0.3)
    assert figures['objects'] > 60
    assert figures['recall'] > 0.85 and figures['precision'] > 0.85
    assert list(figures['classes']) == list(CLASS_NAMES)


def test_other_labels_are_refused() -> None:
    with open_network(MODEL_PATH).runtime as runtime:
        runtime.manifest = replace(runtime.manifest, labels=('cat', 'dog'))
        with pytest.raises(ConfigurationError, match='has the labels cat, dog, expected car'):
            evaluate(runtime, frames=1, confidence=0.3)


def test_one_json_document_from_the_command() -> None:
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros.demo.detector.evaluate', '--frames', '2', '--json'],
        capture_output=True, text=True, timeout=100)
    figures = json.loads(done.stdout)
    assert list(figures) == ['mAP50', 'mAP50-95', 'frames', 'objects', 'confidence', 'recall',
                             'precision', 'network_ms', 'classes']
    assert figures['frames'] == 2 and figures['network_ms'] > 0


@pytest.mark.parametrize('data, arguments, status, sentence', [
    (None, [], 1, 'is missing: train it with'), (b'no model', [], 1, 'm.onnx'),
    (b'', ['--frames', '0'], 2, '--frames and --threads must be at least 1')])
def test_refusals_are_one_sentence(data: bytes | None, arguments: list[str], status: int,
                                   sentence: str, tmp_path: Path) -> None:
    if data is not None:
        (tmp_path / 'm.onnx').write_bytes(data)
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros.demo.detector.evaluate', tmp_path / 'm.onnx',
         *arguments], capture_output=True, text=True, timeout=100)
    assert done.returncode == status and sentence in done.stderr and not done.stdout
    assert 'Traceback' not in done.stderr
