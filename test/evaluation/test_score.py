# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Recall and precision, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.evaluation.labelled_boxes import LabelledBoxes
from edge_trt_ros.evaluation.score import Score
from edge_trt_ros.vision.detections import Detections

BOX, FAR, REGION = (0, 0, 40, 40), (100, 100, 140, 140), (200, 200, 240, 240)


def labelled(*rows: tuple[tuple[int, int, int, int], int, bool]) -> LabelledBoxes:
    """Return objects from their boxes, classes and whether they are ignored."""
    return LabelledBoxes(np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
                         np.array([row[1] for row in rows], np.int64),
                         np.array([row[2] for row in rows], bool))


def detected(*rows: tuple[tuple[int, int, int, int], int, float]) -> Detections:
    """Return detections from their boxes, classes and scores."""
    return Detections(np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
                      np.array([row[2] for row in rows], np.float32),
                      np.array([row[1] for row in rows], np.int64))


@pytest.mark.parametrize('objects, detections, counts', [
    ([], [], (0, 0, 0)),
    ([(BOX, 0, False)], [], (0, 1, 0)),
    ([], [(BOX, 0, .9)], (0, 0, 1)),
    ([(BOX, 0, False)], [(BOX, 0, .9)], (1, 0, 0)),
    ([(BOX, 0, False)], [(BOX, 1, .9)], (0, 1, 1)),                  # another class
    ([(BOX, 0, False)], [(BOX, 0, .9), (BOX, 0, .8)], (1, 0, 1)),    # detected twice
    ([(BOX, 0, False), (FAR, 0, False)], [(FAR, 0, .9)], (1, 1, 0)),
    ([(REGION, 0, True)], [], (0, 0, 0)),                            # ignored: not missed
    ([(REGION, 0, True)], [(REGION, 0, .9)], (0, 0, 0)),             # and no false alarm
    ([(REGION, 0, True)], [(REGION, 1, .9)], (0, 0, 0)),
    ([(BOX, 0, False)], [((0, 22, 40, 62), 0, .9)], (0, 1, 1)),      # IoU under 0.5
])
def test_counts(objects: list[object], detections: list[object], counts: tuple[int, int, int]
                ) -> None:
    score = Score()
    score.add(labelled(*objects), detected(*detections))  # type: ignore[arg-type]
    assert (score.hits, score.misses, score.false_alarms) == counts


def test_sums_over_frames() -> None:
    score = Score()
    score.add(labelled((BOX, 0, False)), detected((BOX, 0, .9)))
    score.add(labelled((BOX, 0, False)), detected((FAR, 0, .9)))
    assert (score.frames, score.detections, score.recall, score.precision) == (2, 2, .5, .5)


def test_objects_of_one_class() -> None:
    cars = labelled((BOX, 0, False), (FAR, 1, True), (REGION, 0, True)).of_class(0)
    assert cars.boxes_xyxy.tolist() == [list(BOX), list(REGION)]
    assert cars.class_ids.tolist() == [0, 0] and cars.ignored.tolist() == [False, True]
