# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What int8 costs: each confident box of fp32 is held against its partner."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.benchmark.gate import int8_loss
from edge_trt_ros.benchmark.gate.int8_loss import confident_pairs, Pair
from edge_trt_ros.vision.detections import Detections


def boxes(*rows: tuple[float, ...]) -> Detections:
    """Return detections of rows of left, top, right, bottom, score and class."""
    table = np.array(rows, np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def test_overlaps_of_confident_boxes() -> None:
    reference = boxes((0, 0, 100, 10, 0.9, 0), (0, 50, 10, 60, 0.8, 1), (80, 80, 90, 90, 0.7, 0),
                      (50, 50, 60, 60, 0.4, 0))
    compared = boxes((0, 0, 60, 10, 0.6, 0), (0, 50, 10, 60, 0.8, 1), (80, 80, 90, 90, 0.7, 1))
    assert list(confident_pairs(reference, compared, compared)) == [
        Pair(pytest.approx(0.6), 40, True), Pair(1, 0, False), Pair(0, float('inf'), True)]
    assert not list(confident_pairs(boxes(), compared, compared))


@pytest.mark.parametrize('candidate, moved', [
    ((0, 0, 95, 10, 0.85, 0), False), ((0, 0, 95, 10, 0.75, 0), True),
    ((0, 0, 75, 10, 0.85, 0), True), ((0, 0, 95, 10, 0.85, 1), True)])
def test_a_box_that_nms_dropped_has_not_moved(candidate: tuple[float, ...], moved: bool) -> None:
    reference, compared = boxes((0, 0, 100, 10, 0.9, 0)), boxes((0, 0, 60, 10, 0.91, 0))
    [pair] = confident_pairs(reference, compared, boxes((0, 0, 60, 10, 0.91, 0), candidate))
    assert pair.overlap < 0.8 and pair.moved == moved


@pytest.mark.parametrize('arguments, status, sentence', [
    (['missing.onnx'], 2, 'missing.onnx is missing'),
    (['--frames', '0'], 2, '--frames must be at least 1'), ([__file__], 1, 'is not an ONNX file')])
def test_refusals_are_one_sentence(arguments: list[str], status: int, sentence: str,
                                   capsys: pytest.CaptureFixture[str],
                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(int8_loss, 'CALIBRATION_FRAMES', 1)
    try:
        answer = int8_loss.main(arguments)
    except SystemExit as stopped:
        answer = int(str(stopped.code))
    assert answer == status
    assert sentence in capsys.readouterr().err.splitlines()[-1]
