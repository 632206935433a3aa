# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks classify and text: the device returns the K best classes; scores are compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.values import ScoreComparison
from edge_trt_ros.convert.tasks.detect import CHECKSUM
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return scores and indices of the K best classes, and the checksum."""
    return (TensorSpec('scores', 'float32', (1, kept)),
            TensorSpec('class_ids', 'int32', (1, kept)), CHECKSUM)


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of scores."""
    return ScoreComparison(kept, limits)


def share_kept(pairs: Pairs) -> float:
    """Return the share of samples whose best class is the same."""
    return float(np.mean([expected.class_ids[0] == actual.class_ids[0]
                          for expected, actual in pairs])) if pairs else 1.0


TASK = ConvertTask('classify', outputs, compare, share_kept)
TEXT = replace(TASK, name='text')
