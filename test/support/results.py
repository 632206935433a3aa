# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compares the arrays of results."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_trt_ros import Detections


def arrays_of(result: Any) -> list[np.ndarray]:
    """Return all arrays of a result, those of nested results too."""
    values = result.values() if isinstance(result, dict) else vars(result).values()
    found = []
    for value in values:
        if isinstance(value, np.ndarray):
            found.append(value)
        elif isinstance(value, (dict, Detections)):
            found += arrays_of(value)
    return found


def assert_equal(first: Any, second: Any) -> None:
    """Compare all arrays of two results."""
    assert type(first) is type(second)
    for left, right in zip(arrays_of(first), arrays_of(second), strict=True):
        np.testing.assert_array_equal(left, right)
