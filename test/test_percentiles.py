"""Percentiles are those of NumPy, and cost no import while frames flow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from edge_trt_ros.percentiles import percentiles


@pytest.mark.parametrize('count', [1, 2, 7, 300])
def test_they_are_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).tolist()
    np.testing.assert_allclose(percentiles(values, (0, 5, 50, 95, 99, 100)),
                               np.percentile(values, (0, 5, 50, 95, 99, 100)))


def test_no_numbers_give_zeros() -> None:
    assert percentiles([], (50, 99)) == [0.0, 0.0]


def test_nothing_is_imported_with_the_first_call() -> None:
    """An import takes a tenth of a second, in which a camera sends three images."""
    program = ('import sys; from edge_trt_ros.percentiles import percentiles; '
               'before = set(sys.modules); percentiles([3.0, 1.0, 2.0], (50,)); '
               'print(sorted(set(sys.modules) - before))')
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                          timeout=60)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr
