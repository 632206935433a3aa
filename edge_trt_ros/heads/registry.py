# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""All known heads by name."""

from __future__ import annotations

from edge_trt_ros.heads import (classes, counted_boxes, depth_map, detr, efficient_nms,
                                final_boxes, normalized_final, normalized_rows, rows_of_seven,
                                semantic_logits, tensors, yolo_anchors, yolo_dense,
                                yolo_end_to_end, yolo_final, yolo_grids, yolo_oriented, yolo_pose,
                                yolo_segment, yolox)
from edge_trt_ros.heads.head import Head

# In the order in which messages and the documentation list them.
HEADS: dict[str, Head] = {head.name: head for head in (
    yolo_dense.HEAD, yolo_anchors.HEAD, yolox.HEAD, yolo_grids.HEAD, yolo_end_to_end.HEAD,
    normalized_final.HEAD, normalized_rows.HEAD, detr.SIGMOID, detr.SOFTMAX, final_boxes.HEAD,
    counted_boxes.HEAD, rows_of_seven.HEAD, efficient_nms.CORNERS, efficient_nms.CENTRES,
    classes.SCORES, classes.LOGITS, semantic_logits.HEAD, depth_map.METRIC, depth_map.RELATIVE,
    yolo_segment.HEAD, yolo_pose.HEAD, yolo_oriented.HEAD, yolo_final.SEGMENT, yolo_final.POSE,
    yolo_final.ORIENTED, tensors.HEAD)}


def add_head(head: Head) -> None:
    """
    Add your own head in this process; it is then recognised, built, decoded and verified.

    :param head: the head.
    :raises ValueError: if a head with this name exists.
    """
    if head.name in HEADS:
        raise ValueError(f"a head '{head.name}' exists already: use another name")
    HEADS[head.name] = head


def rows_of_table() -> list[tuple[str, str, str]]:
    """Return the rows of the table of networks in the documentation: networks, outputs, needs."""
    return [(head.networks, head.outputs, head.needs) for head in HEADS.values()]
