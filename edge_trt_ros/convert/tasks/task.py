# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The converter's part of a task: its device outputs, and how its results are compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.verdict import Verdict
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.thresholds import Thresholds

Pairs = Sequence[tuple[Any, Any]]


class Comparison(Protocol):
    """Compares the results of an engine with those of its ONNX, sample by sample."""

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """
        Return the thresholds for a sample.

        :param lowest: lowest score that left the device; 0 if every candidate did.
        :param letterbox: how it was fitted to the network.
        """

    def add(self, expected: Any, actual: Any, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """
        Compare the results of one sample.

        :param expected: result of the ONNX model.
        :param actual: result of the engine.
        :param shows_content: false for noise, in which nothing can be seen.
        :param candidates: returns both results again, before boxes suppressed each other.
        """

    def verdict(self) -> Verdict:
        """Return the measured differences, and those that exceed the limits."""


@dataclass(frozen=True)
class ConvertTask:
    """
    The converter's part of a task.

    :param name: name of the task in `vision.tasks.TASKS`.
    :param outputs: returns the tensors that leave the device, given (head, K).
    :param compare: starts a comparison, given (head, K, limits).
    :param share_kept: returns how well results agree with a reference, 0 to 1, given pairs of
        (reference, result).
    :param keeps_names: whether the outputs are the network's own outputs under their names.
    """

    name: str
    outputs: Callable[[RecognisedHead, int], tuple[TensorSpec, ...]]
    compare: Callable[[RecognisedHead, int, Limits], Comparison]
    share_kept: Callable[[Pairs], float]
    keeps_names: bool = False
