"""Figures of a stream of frames, and what they may cost while frames flow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from edge_trt_ros.ros.inference.figures import _percentiles


@pytest.mark.parametrize('count', [1, 2, 7, 300])
def test_percentiles_are_those_of_numpy(count: int) -> None:
    values = np.random.default_rng(count).normal(size=count).tolist()
    np.testing.assert_allclose(_percentiles(values), np.percentile(values, (50, 95, 99)))


def test_nothing_is_imported_with_the_first_figures() -> None:
    """An import takes a tenth of a second, in which a camera sends three images."""
    program = ('import sys; import edge_trt_ros.ros.inference.figures as one; '
               'before = set(sys.modules); one._percentiles([3.0, 1.0, 2.0]); '
               'print(sorted(set(sys.modules) - before))')
    done = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True,
                          timeout=60)
    assert done.stdout.strip() == '[]', done.stdout + done.stderr
