# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare results without boxes: the scores of classes, class maps and tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.tensors import tensor_verdict, TensorComparison
from edge_trt_ros.convert.compare.verdict import common, merged, rounded, Verdict
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks.classify import Classification
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.tasks.tensors import RawTensors
from edge_trt_ros.vision.thresholds import Thresholds

# Where the scores of two classes are almost equal, rounding may swap them.
_PIXELS_OFF = 0.001


class ScoreComparison:
    """
    Compares the scores of classes, class by class.

    :param kept: number of classes that leave the device.
    :param limits: the allowed differences.
    """

    def __init__(self, kept: int, limits: Limits) -> None:
        self._limits, self._thresholds = limits, Thresholds(top_k=kept)
        self._worst, self._seen, self._samples = 0.0, 0, 0
        self._gains: list[float] = []

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """Return thresholds that keep every class."""
        return self._thresholds

    def add(self, expected: Classification, actual: Classification, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """Compare the results of one sample; see `Comparison.add`."""
        scores = dict(zip(expected.class_ids.tolist(), expected.scores.tolist()))
        # A class that only one side kept has a score that equals the lowest kept one.
        lowest = min(scores.values())
        errors = [abs(score - scores.get(class_id, lowest)) for class_id, score in zip(
            actual.class_ids.tolist(), actual.scores.tolist())]
        self._worst = max(self._worst, *errors)
        self._samples += 1
        best = int(expected.class_ids[0])
        found = dict(zip(actual.class_ids.tolist(), actual.scores.tolist()))
        self._gains.append(found.get(best, 0.0) / max(scores[best], 1e-6) - 1)
        if shows_content and scores[best] >= self._thresholds.confidence:
            self._seen += 1

    def verdict(self) -> Verdict:
        """Return the measured differences, and those that exceed the limits."""
        verdict = Verdict(seen=self._seen)
        verdict.check('max_score_error', self._worst, self._limits.score,
                      'the score of a class is off by')
        verdict.check('score_gain', common(np.array(self._gains)), self._limits.score_gain,
                      'the scores of the best classes change by', ' of them')
        verdict.agreement = f'scores of classes within {self._worst:.2g}'
        return verdict


class ClassMapComparison:
    """
    Compares the class of each pixel.

    :param limits: the allowed differences.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._off = 0.0
        self._classes: set[int] = set()

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """Return thresholds; a class map needs none."""
        return Thresholds()

    def add(self, expected: ClassMap, actual: ClassMap, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """Compare the results of one sample; see `Comparison.add`."""
        self._off = max(self._off, float(np.mean(expected.classes != actual.classes)))
        if shows_content:
            self._classes.update(np.unique(expected.classes).tolist())

    def verdict(self) -> Verdict:
        """Return the measured differences; a map of a single class shows nothing."""
        verdict = Verdict(seen=len(self._classes) - 1 if self._classes else 0)
        verdict.check('pixels_off', self._off, max(self._limits.lost, _PIXELS_OFF),
                      'the share of pixels with another class is')
        verdict.measured['classes_seen'] = len(self._classes)
        verdict.agreement = (f'{self._off:.2%} of the pixels differ, {len(self._classes)} '
                             'classes seen')
        return verdict


class ValueComparison:
    """
    Compares the values of a network's tensors.

    :param limits: the allowed differences.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._tensors: dict[str, TensorComparison] = {}
        self._first: Mapping[str, NDArray[Any]] = {}
        self._seen = self._samples = 0

    def thresholds(self, lowest: float, letterbox: Letterbox) -> Thresholds:
        """Return thresholds; tensors need none."""
        return Thresholds()

    def add(self, expected: RawTensors, actual: RawTensors, shows_content: bool,
            candidates: Callable[[], tuple[Any, Any]]) -> None:
        """Compare the results of one sample; see `Comparison.add`."""
        self._samples += 1
        # Role by role: the engine's names have a suffix where its type differs.
        for (name, want), have in zip(expected.by_name.items(), actual.by_name.values()):
            self._tensors.setdefault(name, TensorComparison(name)).add(
                want, have, f'sample {self._samples}')
        self._first = self._first or {
            name: values.copy() for name, values in expected.by_name.items()}
        if shows_content and any(not np.array_equal(values, self._first[name])
                                 for name, values in expected.by_name.items()):
            self._seen += 1

    def verdict(self) -> Verdict:
        """Return the measured differences; tensors that never change show nothing."""
        verdict = merged({'': tensor_verdict(self._tensors.values(), self._limits)})
        verdict.seen = self._seen
        worst = verdict.measured.get('relative_l2', 0.0)
        verdict.measured['max_error'] = rounded(worst)
        verdict.agreement = f'values within {worst:.2g} (relative L2)'
        return verdict
