# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""YOLO-NAS without NMS: corners in pixels [1, boxes, 4] and a score per class, by their names."""

from __future__ import annotations

from edge_trt_ros.heads.efficient_nms import append_of_corners, corners_on_device, decode_corners
from edge_trt_ros.heads.head import FLOATS, Head, is_fixed, Network, Reading

_BOXES, _SCORES = ('pred_bboxes', 'pred_boxes'), 'pred_scores'


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with the names of super-gradients."""
    boxes = [output for output in network.outputs if output.name in _BOXES]
    scores = [output for output in network.outputs if output.name == _SCORES]
    if len(network.outputs) != 2 or len(boxes) != 1 or len(scores) != 1 \
            or not is_fixed(boxes[0], FLOATS, 3) or not is_fixed(scores[0], FLOATS, 3) \
            or boxes[0].shape[1:] != (scores[0].shape[1], 4):
        return []
    return [Reading(scores[0].shape[2], scores[0].shape[1],
                    {'boxes': boxes[0], 'scores': scores[0]})]


HEAD = Head('yolo_nas', ('detect',), 'candidates',
            'pred_bboxes [1, boxes, 4] and pred_scores [1, boxes, classes]',
            'YOLO-NAS without NMS', read, append_of_corners, decode_corners,
            on_device=corners_on_device)
