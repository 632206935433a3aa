# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task segment: the device returns candidates with mask coefficients, and mask prototypes."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.convert.compare.boxes import BoxComparison
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.detect import candidates, CHECKSUM
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.matching import match_detections
from edge_trt_ros.vision.tasks.segment import boxes_of, Instances


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return candidates, their mask coefficients, the prototypes and the checksum."""
    prototypes = found.shape('prototypes')
    return (*candidates(kept), TensorSpec('coefficients', 'float32', (1, kept, prototypes[1])),
            TensorSpec('prototypes', 'float32', prototypes), CHECKSUM)


def mask_error(expected: Instances, actual: Instances, pairs: list[tuple[int, int]]) -> float:
    """Return the share of pixels that only one of the two results assigns to an object."""
    return float(np.mean((expected.instance_map > 0) != (actual.instance_map > 0)))


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of boxes and masks."""
    return BoxComparison(found.rows, kept, limits, boxes_of, mask_error)


def share_kept(pairs: Pairs) -> float:
    """Return the F1 of the boxes of both sides."""
    return match_detections([(expected.detections, actual.detections)
                             for expected, actual in pairs]).f1


TASK = ConvertTask('segment', outputs, compare, share_kept)
