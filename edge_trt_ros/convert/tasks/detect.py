# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task detect: the device returns candidates; boxes are compared."""

from __future__ import annotations

from edge_trt_ros.convert.compare.boxes import BoxComparison
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.matching import match_detections
from edge_trt_ros.vision.tasks.detect import itself


def candidate_outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return boxes, scores and classes of K candidates, and the checksum."""
    return (*candidates(kept), CHECKSUM)


def candidates(kept: int) -> tuple[TensorSpec, ...]:
    """Return boxes, scores and classes of K candidates."""
    return (TensorSpec('boxes_xyxy', 'float32', (1, kept, 4)),
            TensorSpec('scores', 'float32', (1, kept)),
            TensorSpec('class_ids', 'int32', (1, kept)))


# The sum of the magnitudes of all raw outputs: with these 4 bytes, the host detects a NaN or an
# infinity anywhere in them.
CHECKSUM = TensorSpec('checksum', 'float32', (1,))


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of boxes."""
    return BoxComparison(limits, itself)


def share_kept(pairs: Pairs) -> float:
    """Return the F1 of the boxes of both sides."""
    return match_detections(pairs).f1


TASK = ConvertTask('detect', candidate_outputs, compare, share_kept)
