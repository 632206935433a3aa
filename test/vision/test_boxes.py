# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Box arithmetic against explicit numbers, and NMS against a naive implementation."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st
import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.vision import boxes as boxes_module
from edge_trt_ros.vision.boxes import box_iou, clip_boxes, nms, xywh_to_xyxy, xyxy_to_xywh

Float32s = NDArray[np.float32]


def boxes_of(*rows: tuple[float, ...]) -> Float32s:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(('xywh', 'xyxy'), [
    ([], []),
    ([(5, 10, 4, 6)], [(3, 7, 7, 13)]),
    ([(0, 0, 0, 0), (-1, 2, 2, 2)], [(0, 0, 0, 0), (-2, 1, 0, 3)]),
])
def test_formats(xywh: list[tuple[float, ...]], xyxy: list[tuple[float, ...]]) -> None:
    np.testing.assert_array_equal(xywh_to_xyxy(boxes_of(*xywh)), boxes_of(*xyxy))
    np.testing.assert_array_equal(xyxy_to_xywh(boxes_of(*xyxy)), boxes_of(*xywh))
    assert xywh_to_xyxy(boxes_of(*xywh)).dtype == np.float32


@pytest.mark.parametrize(('boxes', 'expected'), [
    ([], []),
    ([(1, 2, 3, 4)], [(1, 2, 3, 4)]),
    ([(-5, -5, 20, 20)], [(0, 0, 10, 8)]),
    ([(20, 20, 30, 30)], [(10, 8, 10, 8)]),
])
def test_clip(boxes: list[tuple[float, ...]], expected: list[tuple[float, ...]]) -> None:
    given_boxes = boxes_of(*boxes)
    before = given_boxes.copy()
    np.testing.assert_array_equal(clip_boxes(given_boxes, (10, 8)), boxes_of(*expected))
    np.testing.assert_array_equal(given_boxes, before)


@pytest.mark.parametrize(('first', 'second', 'expected'), [
    ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
    ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
    ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),  # they touch
    ((0, 0, 2, 2), (5, 5, 6, 6), 0.0),
    ((1, 1, 1, 1), (1, 1, 1, 1), 0.0),  # no area
    ((2, 2, 0, 0), (2, 2, 0, 0), 0.0),  # negative size
    ((0, 0, 4, 4), (1, 1, 3, 3), 0.25),
])
def test_iou(first: tuple[float, ...], second: tuple[float, ...], expected: float) -> None:
    np.testing.assert_allclose(box_iou(boxes_of(first), boxes_of(second)), [[expected]],
                               rtol=1e-6)


@pytest.mark.parametrize(('m', 'n'), [(0, 0), (0, 3), (3, 0), (2, 3)])
def test_iou_shape(m: int, n: int) -> None:
    overlap = box_iou(np.ones((m, 4), np.float32), np.ones((n, 4), np.float32))
    assert overlap.shape == (m, n) and overlap.dtype == np.float32


def naive_nms(boxes: Float32s, scores: Float32s, class_ids: NDArray[np.int64],
              iou_threshold: float, max_detections: int) -> list[int]:
    """Compare each candidate, best first, with everything kept so far."""
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda candidate: -float(scores[candidate])):
        rivals = [rival for rival in kept if class_ids[rival] == class_ids[index]]
        if all(box_iou(boxes[[index]], boxes[[rival]])[0, 0] <= iou_threshold
               for rival in rivals):
            kept.append(index)
    return kept[:max_detections]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(1, 8),
                          st.integers(1, 8), st.integers(0, 2), st.integers(0, 4)), max_size=40),
       st.sampled_from([0.0, 0.25, 0.45, 0.5, 1.0]), st.integers(1, 45))
def test_nms_equals_naive_nms(rows: list[tuple[int, ...]], iou_threshold: float,
                              max_detections: int) -> None:
    # Few distinct numbers cause equal scores, equal boxes and overlaps at the threshold.
    table = np.array(rows, np.float32).reshape(-1, 6)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], 1)
    scores = (table[:, 5] / 4).astype(np.float32)
    class_ids = table[:, 4].astype(np.int64)
    kept = nms(boxes, scores, class_ids, iou_threshold, max_detections)
    assert kept.tolist() == naive_nms(boxes, scores, class_ids, iou_threshold, max_detections)


@pytest.mark.parametrize('count', [255, 400])
@pytest.mark.parametrize('max_detections', [5, 60, 400])
def test_nms_equals_naive_nms_for_any_limit(count: int, max_detections: int) -> None:
    rng = np.random.default_rng(count)
    corners = rng.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(4, 20, (count, 2))], 1)
    boxes = boxes.astype(np.float32)
    scores = (rng.integers(0, 50, count) / 50).astype(np.float32)
    class_ids = rng.integers(0, 2, count)
    kept = nms(boxes, scores, class_ids, 0.45, max_detections)
    assert kept.tolist() == naive_nms(boxes, scores, class_ids, 0.45, max_detections)


@pytest.mark.parametrize('classes', [1, 4, 80])
@pytest.mark.parametrize('iou_threshold', [0.0, 0.25, 0.45, 0.5, 1.0])
def test_nms_of_neighbours_equals_nms_of_all_boxes(
        monkeypatch: pytest.MonkeyPatch, iou_threshold: float, classes: int) -> None:
    rng = np.random.default_rng(classes)
    for round_numbers in (True, False) * 20:
        count, extent = int(rng.integers(2, 900)), int(rng.choice([40, 300, 1280]))
        boxes = rng.uniform(0, extent, (count, 4))
        boxes[:, 2:] = boxes[:, :2] + rng.uniform(1, rng.choice([8, 40]), (count, 2))
        boxes = np.ceil(boxes) if round_numbers else boxes
        arguments = (boxes.astype(np.float32), rng.integers(0, 50, count).astype(np.float32),
                     rng.integers(0, classes, count), iou_threshold, 300)
        monkeypatch.setattr(boxes_module, '_FEW_BOXES', 10 ** 9)
        expected = nms(*arguments).tolist()
        monkeypatch.setattr(boxes_module, '_FEW_BOXES', 0)
        assert nms(*arguments).tolist() == expected


def test_nms_without_boxes() -> None:
    kept = nms(boxes_of(), np.empty(0, np.float32), np.empty(0, np.int64), 0.45, 300)
    assert kept.shape == (0,) and np.issubdtype(kept.dtype, np.integer)


def test_nms_with_a_limit_of_0() -> None:
    boxes = boxes_of((0, 0, 10, 10))
    assert nms(boxes, np.ones(1, np.float32), np.zeros(1, np.int64), 0.45, 0).tolist() == []


def test_nms_of_30000_boxes() -> None:
    rng = np.random.default_rng(0)
    corners = np.repeat(np.arange(100) * 50.0, 300)
    boxes = np.stack([corners, corners, corners + 40, corners + 40], 1)
    boxes = (boxes + rng.normal(0, 0.5, boxes.shape)).astype(np.float32)
    scores = rng.permutation(30000).astype(np.float32)
    class_ids = np.zeros(30000, np.int64)
    kept = nms(boxes, scores, class_ids, 0.45, 300)
    best = [300 * group + int(scores[300 * group:300 * group + 300].argmax())
            for group in range(100)]
    assert kept.tolist() == sorted(best, key=lambda index: -float(scores[index]))
    assert len(nms(boxes, scores, class_ids, 0.45, 7)) == 7
