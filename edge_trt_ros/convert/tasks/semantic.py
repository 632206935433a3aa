# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task semantic: the device returns the class of each pixel; class maps are compared."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.values import ClassMapComparison
from edge_trt_ros.convert.tasks.detect import CHECKSUM
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.tasks.semantic import ClassMap


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return the class map, its confidence if the head has one, and the checksum."""
    *_, last = found.reading.roles.values()
    made = TensorSpec('class_map', 'int32', (1, *last.shape[-2:]))
    scored = [TensorSpec('confidence', 'float32', made.shape)] \
        if found.head.decoder == 'semantic_scored' else []
    return (made, *scored, CHECKSUM)


def pixels_off(expected: ClassMap, actual: ClassMap) -> float:
    """Return the share of pixels whose classes differ."""
    return float(np.mean(expected.classes != actual.classes))


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of class maps."""
    return ClassMapComparison(limits)


def share_kept(pairs: Pairs) -> float:
    """Return the mean share of pixels whose classes agree."""
    return float(np.mean([1 - pixels_off(expected, actual) for expected, actual in pairs])) \
        if pairs else 1.0


TASK = ConvertTask('semantic', outputs, compare, share_kept)
