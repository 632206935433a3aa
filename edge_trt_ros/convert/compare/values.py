# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare the values of an engine with those of its ONNX model: scores, class maps, tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import BuildError
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.vision.thresholds import Thresholds


class ValueComparison:
    """
    Compares results by a single error value.

    :param what: name of the error for messages: 'score', 'share of pixels', 'value'.
    :param limit: maximum error.
    :param error: returns the error of two results.
    :param top_k: number of classes of a result that are compared.
    """

    def __init__(self, what: str, limit: float, error: Callable[[Any, Any], float],
                 top_k: int = 1) -> None:
        self._what, self._limit, self._error = what, limit, error
        self._thresholds = Thresholds(top_k=top_k)
        self._worst = 0.0

    def thresholds(self, runtime: Runtime, sample: Sample) -> Thresholds:
        """Return thresholds that keep every class."""
        return self._thresholds

    def add(self, expected: Any, actual: Any) -> None:
        """Compare the results of one sample."""
        self._worst = max(self._worst, self._error(expected, actual))

    def verdict(self) -> dict[str, Any]:
        """
        Return a description of the agreement and the maximum error.

        :raises BuildError: if the error exceeds the limit.
        """
        if self._worst > self._limit:
            raise BuildError(f'the engine differs from its ONNX by {self._worst:.4g} '
                             f'({self._what}), allowed is {self._limit}: it is not installed')
        return {'agreement': f'{self._what} within {self._worst:.2g}', 'max_error': self._worst}


def relative_error(expected: NDArray[Any], actual: NDArray[Any]) -> float:
    """Return the maximum difference, relative to the maximum value if that exceeds 1."""
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    return float(np.abs(expected - actual).max(initial=0)) / scale
