# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task segment: the device returns candidates with mask coefficients, and mask prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.convert.compare.boxes import BoxComparison, Pairs as RowPairs
from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.tasks.detect import candidates, CHECKSUM
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask, Pairs
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.matching import match_detections
from edge_trt_ros.vision.tasks.segment import boxes_of, Instances


def outputs(found: RecognisedHead, kept: int) -> tuple[TensorSpec, ...]:
    """Return candidates, their mask coefficients, the prototypes and the checksum."""
    # A network that returns a mask for each row has masks instead of prototypes.
    prototypes = found.shape('prototypes' if 'prototypes' in found.reading.roles else 'masks')
    return (*candidates(kept), TensorSpec('coefficients', 'float32', (1, kept, prototypes[1])),
            TensorSpec('prototypes', 'float32', prototypes), CHECKSUM)


def mask_fields(expected: Instances, actual: Instances, pairs: RowPairs
                ) -> Mapping[str, NDArray[Any]]:
    """Return the shifts of the masks of pairs, and the shares of their pixels that differ."""
    rows = []
    for first, second in zip(*(indices.tolist() for indices in pairs)):
        masks = expected.instance_map == first + 1, actual.instance_map == second + 1
        union = float((masks[0] | masks[1]).sum())
        if not all(mask.any() for mask in masks):
            rows.append((0.0, 0.0, float(union > 0)))
            continue
        (y, x), (other_y, other_x) = (
            (positions.mean() for positions in np.nonzero(mask)) for mask in masks)
        rows.append((float(other_x - x), float(other_y - y),
                     1 - float((masks[0] & masks[1]).sum()) / union))
    found = np.array(rows).reshape(-1, 3)
    return {'mask_shift_x_px': found[:, 0], 'mask_shift_y_px': found[:, 1], 'mask': found[:, 2]}


def compare(found: RecognisedHead, kept: int, limits: Limits) -> Comparison:
    """Start a comparison of boxes and masks."""
    return BoxComparison(limits, boxes_of, mask_fields)


def share_kept(pairs: Pairs) -> float:
    """Return the F1 of the boxes of both sides."""
    return match_detections([(expected.detections, actual.detections)
                             for expected, actual in pairs]).f1


TASK = ConvertTask('segment', outputs, compare, share_kept)
