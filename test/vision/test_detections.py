# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fields of detections stay aligned, and arrays with wrong shapes are rejected."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

from hypothesis import given, settings, strategies as st
import numpy as np
import pytest

from edge_trt_ros.vision.detections import Detections


def numbered(count: int, **changes: Any) -> Detections:
    fields: dict[str, Any] = {
        'boxes_xyxy': np.arange(count * 4, dtype=np.float32).reshape(count, 4),
        'scores': np.arange(count, dtype=np.float32), 'class_ids': np.arange(count),
        'angles_rad': np.arange(count, dtype=np.float32),
        'keypoints': np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)}
    return Detections(**(fields | changes))


def test_empty_detections() -> None:
    empty = Detections.empty()
    assert len(empty) == len(empty[:5]) == 0
    assert empty.boxes_xyxy.shape == (0, 4) and empty.boxes_xyxy.dtype == np.float32
    assert empty.scores.dtype == np.float32 and empty.class_ids.dtype == np.int64
    assert empty.angles_rad is None and empty.keypoints is None


@pytest.mark.parametrize(('field', 'shape', 'expected'), [
    ('boxes_xyxy', (2, 5), r'\(2, 4\)'),
    ('scores', (3,), r'\(2\)'),
    ('scores', (2, 1), r'\(2\)'),
    ('class_ids', (1,), r'\(2\)'),
    ('angles_rad', (3,), r'\(2\)'),
    ('keypoints', (2, 2, 2), r'\(2, any, 3\)'),
])
def test_wrong_shapes_are_rejected_with_field_and_shapes(field: str, shape: tuple[int, ...],
                                                         expected: str) -> None:
    actual = str(shape).replace('(', r'\(').replace(')', r'\)')
    with pytest.raises(ValueError, match=f'{field} has shape {actual}, expected {expected}'):
        numbered(2, **{field: np.zeros(shape)})


@settings(deadline=None, max_examples=50)
@given(st.lists(st.booleans(), max_size=8))
def test_indexing_keeps_the_fields_aligned(wanted: list[bool]) -> None:
    whole = numbered(len(wanted))
    rows = np.flatnonzero(wanted)
    picks: tuple[Any, ...] = (np.array(wanted, bool), rows, rows[::-1], slice(1, None, 2))
    for pick in picks:
        part = whole[pick]
        expected = np.arange(len(wanted))[pick]
        assert len(part) == len(expected)
        np.testing.assert_array_equal(part.class_ids, expected)
        np.testing.assert_array_equal(part.boxes_xyxy, whole.boxes_xyxy[expected])
        np.testing.assert_array_equal(part.scores, whole.scores[expected])
        assert part.angles_rad is not None and whole.angles_rad is not None
        np.testing.assert_array_equal(part.angles_rad, whole.angles_rad[expected])
        assert part.keypoints is not None and whole.keypoints is not None
        np.testing.assert_array_equal(part.keypoints, whole.keypoints[expected])


def test_fields_cannot_be_replaced() -> None:
    with pytest.raises(FrozenInstanceError):
        numbered(1).scores = np.zeros(1, np.float32)  # type: ignore[misc]
