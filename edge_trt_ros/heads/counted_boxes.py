# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""EfficientNMS outputs: num_dets [1, 1], boxes [1, n, 4], scores and classes [1, n]."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge_trt_ros.heads import final_boxes
from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.head import (Head, INTEGERS, is_fixed, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose outputs have the names of EfficientNMS."""
    roles = _roles_by_name(network.outputs,
                           count=('num_dets', 'num_detections', 'num_predictions'),
                           boxes=('boxes', 'det_boxes', 'bboxes', 'pred_boxes'),
                           scores=('scores', 'det_scores', 'pred_scores'),
                           labels=('classes', 'det_classes', 'labels', 'pred_classes'))
    if roles is None or not final_boxes.is_detection(roles) or len(roles['boxes'].shape) != 3 \
            or roles['boxes'].shape[1] < 1 or not is_fixed(roles['count'], INTEGERS, 2) \
            or roles['count'].shape != (1, 1):
        return []
    return [Reading(0, roles['boxes'].shape[1], roles, needs_labels=True)]


def prepare(tail: Tail, found: RecognisedHead, raw: Raw) -> Raw:
    """Append zeros over the rows after the last detection: their values are undefined."""
    indices = tail.constant(np.arange(found.rows, dtype=np.int32)[None])
    is_valid = tail.node('Less', [indices, tail.cast(raw['count'], 'int32')])
    is_valid_row = tail.node('Unsqueeze', [is_valid, tail.ints(2)])
    return {**raw, 'scores': tail.node('Where', [is_valid, raw['scores'], tail.floats(0.0)]),
            'boxes': tail.node('Where', [is_valid_row, raw['boxes'], tail.floats(0.0)])}


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    append_final(tail, raw['boxes'], raw['scores'], tail.cast(raw['labels'], 'int32'), kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode the first `count` rows."""
    count = max(int(outputs['count'].reshape(-1)[0]), 0)
    return final_boxes.decode({name: outputs[name][:, :count]
                               for name in ('boxes', 'scores', 'labels')}, letterbox, thresholds)


def _roles_by_name(outputs: Sequence[TensorSpec], **names: Sequence[str]
                   ) -> dict[str, TensorSpec] | None:
    """Return the output of each role; None unless names and roles match one to one."""
    by_name = {output.name: output for output in outputs}
    roles = {role: by_name[name] for role, known in names.items() for name in known
             if name in by_name}
    return roles if len(roles) == len(names) == len(outputs) else None


HEAD = Head('counted_boxes', ('detect',), 'candidates_final',
            'num_dets [1, 1], boxes [1, n, 4], scores and classes [1, n]',
            'networks with EfficientNMS inside; YOLO-NAS with NMS inside', read, append,
            decode, needs='labels', prepare=prepare)
