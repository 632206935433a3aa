# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Outputs of a detector at the limits: no anchors, many classes, many boxes, bad values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads import HEADS
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

SIZE_WH = (640, 480)
LETTERBOX = Letterbox.fit(SIZE_WH, SIZE_WH)


def outputs(classes: int, anchors: int, scores: float | None = None) -> np.ndarray:
    """Return [1, 4 + classes, anchors]: boxes of 8 px in a grid of 16 px, classes by turns."""
    random = np.random.default_rng(classes + anchors)
    values = np.zeros((1, 4 + classes, anchors), np.float32)
    place = np.arange(anchors)
    values[0, 0], values[0, 1] = place % 40 * 16 + 8, place // 40 % 30 * 16 + 8
    values[0, 2:4] = 8
    best = random.uniform(0.3, 0.9, anchors) if scores is None else np.full(anchors, scores)
    values[0, 4 + place % classes, place] = best
    return values


def decode(values: np.ndarray, thresholds: Thresholds = Thresholds(0.25, 0.45, 300)) -> Any:
    return HEADS['yolo_dense'].decode({'output': values}, LETTERBOX, thresholds)


@pytest.mark.parametrize('classes, anchors, found', [
    (80, 0, 0), (80, 1, 1), (1, 8400, 300), (2000, 300, 300), (80, 25_200, 300)])
def test_numbers_of_classes_and_anchors(classes: int, anchors: int, found: int) -> None:
    values = outputs(classes, anchors)  # all candidates are above the threshold
    detections = decode(values)
    assert len(detections) == found
    assert (np.diff(detections.scores) <= 0).all()
    if anchors:
        best = values[0, 4:].max(1) if classes == 2000 else values[0, 4:].max()
        assert detections.scores[0] == np.max(best)
        assert detections.class_ids.max() < classes


def test_equal_scores_keep_the_order_of_the_anchors() -> None:
    values = outputs(3, 200, 0.5)
    first = decode(values)
    assert len(first) == 200
    np.testing.assert_allclose(first.boxes_xyxy[:, 0], values[0, 0] - 4)
    np.testing.assert_array_equal(decode(values.copy()).boxes_xyxy, first.boxes_xyxy)


def test_boxes_without_area_are_no_detections() -> None:
    values = outputs(3, 90)
    values[0, 2, ::3], values[0, 3, 1::3] = 0, -8
    detections = decode(values)
    assert len(detections) == 30
    assert (detections.boxes_xyxy[:, 2:] > detections.boxes_xyxy[:, :2]).all()


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize('row', [0, 2, 3, 4])
def test_one_anchor_with_a_value_that_is_not_finite(value: float, row: int) -> None:
    values = outputs(3, 90)
    values[0, row, 45] = value
    with pytest.raises(NetworkOutputError, match='not finite|NaN or infinite|1 of '):
        decode(values)


def test_sizes_that_are_almost_infinite_stay_in_the_image() -> None:
    values = outputs(3, 1)
    values[0, 2:4] = 3e38
    box, = decode(values).boxes_xyxy
    np.testing.assert_array_equal(box, [0, 0, *SIZE_WH])
