# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task obb: the device returns candidates with an angle."""

from __future__ import annotations

from edge_trt_ros.convert.compare.boxes import angle_fields, BoxComparison
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.detect import candidates, CHECKSUM, share_kept
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.tasks.detect import itself


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return candidates with their boxes before rotation, their angles and the checksum."""
    return (*candidates(kept), TensorSpec('angles', 'float32', (1, kept, 1)), CHECKSUM)


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of boxes and angles."""
    return BoxComparison(limits, itself, angle_fields)


TASK = ConvertTask('obb', outputs, compare, share_kept)
