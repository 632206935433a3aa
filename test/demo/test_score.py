"""Recall and precision, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.demo.road.truth import Truth
from edge_trt_ros.demo.score import Score
from edge_trt_ros.vision.detections import Detections

BOX, FAR, HIDDEN = (0, 0, 40, 40), (100, 100, 140, 140), (200, 200, 240, 240)


def truth(*rows: tuple[tuple[int, int, int, int], int, float]) -> Truth:
    return Truth(np.array([row[0] for row in rows], np.float32).reshape(-1, 4),
                 np.array([row[1] for row in rows], np.int64),
                 np.array([row[2] for row in rows], np.float32))


def found(*rows: tuple[tuple[int, int, int, int], int, float]) -> Detections:
    there = truth(*rows)
    return Detections(there.boxes_xyxy, there.visibility, there.class_ids)


@pytest.mark.parametrize('there, seen, counts', [
    ([], [], (0, 0, 0)),
    ([(BOX, 0, 1)], [], (0, 1, 0)),
    ([], [(BOX, 0, .9)], (0, 0, 1)),
    ([(BOX, 0, 1)], [(BOX, 0, .9)], (1, 0, 0)),
    ([(BOX, 0, 1)], [(BOX, 1, .9)], (0, 1, 1)),                    # another class
    ([(BOX, 0, 1)], [(BOX, 0, .9), (BOX, 0, .8)], (1, 0, 1)),      # found twice
    ([(BOX, 0, 1), (FAR, 0, 1)], [(FAR, 0, .9)], (1, 1, 0)),
    ([(HIDDEN, 0, .1)], [], (0, 0, 0)),                            # not asked for
    ([(HIDDEN, 0, .1)], [(HIDDEN, 0, .9)], (0, 0, 0)),             # and not held against it
    ([(HIDDEN, 0, .1)], [(HIDDEN, 1, .9)], (0, 0, 0)),
    ([((0, 0, 20, 24), 0, 1)], [], (0, 0, 0)),                     # too low to ask for
    ([(BOX, 0, 1)], [((0, 22, 40, 62), 0, .9)], (0, 1, 1)),        # overlap under a half
])
def test_counts(there: list[object], seen: list[object], counts: tuple[int, int, int]) -> None:
    score = Score()
    score.add(truth(*there), found(*seen))  # type: ignore[arg-type]
    assert (score.hits, score.misses, score.false_alarms) == counts


def test_sums_over_frames() -> None:
    score = Score()
    score.add(truth((BOX, 0, 1)), found((BOX, 0, .9)))
    score.add(truth((BOX, 0, 1)), found((FAR, 0, .9)))
    assert (score.frames, score.detections, score.recall, score.precision) == (2, 2, .5, .5)
