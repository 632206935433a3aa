# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task pose: the device returns candidates with keypoints."""

from __future__ import annotations

from edge_trt_ros.convert.compare.boxes import BoxComparison, keypoint_fields
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.detect import candidates, CHECKSUM, share_kept
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.tasks.detect import itself


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return candidates, their keypoints and the checksum."""
    shape = (1, kept, *found.reading.options['keypoint_shape'])
    return (*candidates(kept), TensorSpec('keypoints', 'float32', shape), CHECKSUM)


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of boxes and keypoints."""
    return BoxComparison(limits, itself, keypoint_fields)


TASK = ConvertTask('pose', outputs, compare, share_kept)
