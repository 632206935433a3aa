"""Lists of detections that are one but for their order, and lists that are not."""

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
def test_an_order_of_its_own_is_no_difference(gone: int) -> None:
    want = rows(200)
    order = np.random.default_rng(1).permutation(200)[gone:]
    expected, actual = aligned(want, [one[order] for one in want])
    assert len(expected[0]) == 200 - gone
    for one, other in zip(expected, actual):
        np.testing.assert_array_equal(one, other)


def test_what_differs_stays_as_it_is() -> None:
    want = rows(200)
    moved = [want[0] + np.float32(0.2), *want[1:]]
    relabelled = [*want[:2], want[2] % 3 + 1]
    fewer = [one[11:] for one in want]
    empty = [one[:0] for one in want]
    for other in (moved, relabelled, fewer, empty):
        expected, actual = aligned(want, other)
        assert expected is want and actual is other
    twice = [np.concatenate((one, one)) for one in want]
    expected, actual = aligned(twice, want)  # one row is the partner of one
    assert expected is twice
