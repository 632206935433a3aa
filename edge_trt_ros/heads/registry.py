# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""All known heads by name."""

from __future__ import annotations

from edge_trt_ros.heads import (centernet, classes, counted_boxes, depth_map, detr, efficient_nms,
                                final_boxes, mask_queries, movenet, nanodet, normalized_final,
                                normalized_rows, objects_with_more, picodet, rf_detr,
                                rows_of_seven, semantic_logits, semantic_map, semantic_mask,
                                tensors, tf_detection, yolo_anchors, yolo_dense, yolo_end_to_end,
                                yolo_final, yolo_grids, yolo_nas, yolo_oriented, yolo_pose,
                                yolo_segment, yolox)
from edge_trt_ros.heads.head import Head

# In the order in which messages and the documentation list them.
HEADS: dict[str, Head] = {head.name: head for head in (
    yolo_dense.HEAD, yolo_anchors.HEAD, yolox.HEAD, yolo_grids.HEAD, yolo_end_to_end.HEAD,
    normalized_final.HEAD, normalized_rows.HEAD, rf_detr.BOXES, detr.SIGMOID, detr.SOFTMAX,
    yolo_nas.HEAD, nanodet.HEAD, picodet.HEAD, centernet.HEAD, final_boxes.HEAD,
    counted_boxes.HEAD, rows_of_seven.HEAD, tf_detection.API, tf_detection.ROWS,
    efficient_nms.CORNERS, efficient_nms.CENTRES, classes.SCORES, classes.LOGITS,
    semantic_logits.HEAD, semantic_map.HEAD, semantic_mask.HEAD, mask_queries.HEAD,
    depth_map.METRIC, depth_map.RELATIVE,
    yolo_segment.HEAD, yolo_final.SEGMENT, rf_detr.MASKS, objects_with_more.MASKS, yolo_pose.HEAD,
    yolo_final.POSE, movenet.HEAD, objects_with_more.KEYPOINTS, yolo_oriented.HEAD,
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
