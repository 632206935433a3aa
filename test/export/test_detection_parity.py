# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Lists of detections that differ only in their order, and lists that differ in more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import pytest

from edge_trt_ros.export.detection_parity import aligned


def rows(count: int) -> list[NDArray[np.generic]]:
    random = np.random.default_rng(count)
    corner = random.uniform(0, 300, (count, 2)).astype(np.float32)
    return [np.concatenate((corner, corner + 20), 1), np.full(count, 0.5, np.float32),
            random.integers(1, 4, count)]


@pytest.mark.parametrize('gone', [0, 9])
def test_another_order_is_no_difference(gone: int) -> None:
    want = rows(200)
    order = np.random.default_rng(1).permutation(200)[gone:]
    expected, actual = aligned(want, [array[order] for array in want])
    assert len(expected[0]) == 200 - gone
    for left, right in zip(expected, actual):
        np.testing.assert_array_equal(left, right)


def test_different_lists_are_returned_unchanged() -> None:
    want = rows(200)
    moved = [want[0] + np.float32(0.2), *want[1:]]
    relabelled = [*want[:2], want[2] % 3 + 1]
    fewer = [array[11:] for array in want]
    empty = [array[:0] for array in want]
    for other in (moved, relabelled, fewer, empty):
        expected, actual = aligned(want, other)
        assert expected is want and actual is other
    twice = [np.concatenate((array, array)) for array in want]
    expected, actual = aligned(twice, want)  # a row has at most one partner
    assert expected is twice
