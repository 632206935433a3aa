"""The judge of the demo's detector, and the detector that is shipped."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.demo.detector.evaluate import evaluate, OnnxDetector
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.road.truth import Truth
from edge_trt_ros.evaluation.average_precision import average_precision
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
    (truth_of(BOX, TINY), found_of(TINY, BOX), 1.0),  # too small: not held against anyone
])
def test_average_precision(truth: Truth, found: Detections, expected: float) -> None:
    pytest.importorskip('pycocotools', reason='mAP is computed by pycocotools')
    result = average_precision([truth.labelled_boxes()], [found], 1)[0, 0]
    assert result == pytest.approx(expected, abs=0.01)


def test_the_shipped_model_knows_the_road() -> None:
    figures = evaluate(OnnxDetector(MODEL_PATH, 1), frames=12, confidence=0.3)
    assert figures['objects'] > 60
    assert figures['recall'] > 0.85 and figures['precision'] > 0.85
