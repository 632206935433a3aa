# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detections are compared object by object, and an engine without NMS is refused."""

from __future__ import annotations

import numpy as np
import pytest

from edge_trt_ros.convert.compare.boxes import BoxComparison
from edge_trt_ros.convert.compare.limits import LIMITS
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox


def objects(offsets_px: list[float], class_ids: list[int]) -> Detections:
    boxes = np.array([[100 + offset, 50, 200 + offset, 150] for offset in offsets_px], np.float32)
    return Detections(boxes, np.linspace(0.9, 0.8, len(boxes), dtype=np.float32),
                      np.array(class_ids, np.int64))


def problems(expected: Detections, actual: Detections, candidates: Detections) -> list[str]:
    comparison = BoxComparison(LIMITS['fp16'], lambda result: result)
    comparison.thresholds(0.0, Letterbox.fit((640, 480), (640, 480)))
    comparison.add(expected, actual, True, lambda: (candidates, candidates))
    return list(comparison.verdict().problems)


@pytest.mark.parametrize('class_ids,offsets_px,refused', [
    ([0, 0, 0], [0, 1, 2], True),
    # Other classes, and boxes whose overlap is allowed, are no doubles.
    ([0, 1, 2], [0, 1, 2], False), ([0, 0, 0], [0, 60, 120], False)])
def test_boxes_that_nms_should_have_dropped_are_doubles(
        class_ids: list[int], offsets_px: list[float], refused: bool) -> None:
    everything = objects(offsets_px, class_ids)
    kept = everything[:1] if refused else everything
    found = problems(kept, everything, everything)
    assert ('NMS should have dropped' in ' '.join(found)) == refused == bool(found)


def test_a_network_whose_boxes_overlap_is_compared_with_itself() -> None:
    everything = objects([0, 1, 2], [0, 0, 0])
    assert problems(everything, everything, everything) == []
