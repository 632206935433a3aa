# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Ultralytics segmentation, pose and OBB of the 26 family, or exported with nms=True.

Rows [1, boxes, 6 + more]: box, score, class, then mask coefficients, keypoints or an angle. They
need no NMS. A box is two corners; before a rotation, it is a centre and a size.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads.appending import append_corners, append_order, ORDER
from edge_trt_ros.heads.box_units import final_rows
from edge_trt_ros.heads.decoding import finite_outputs
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.heads.yolo_pose import finish_pose, keypoint_shape
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.tasks.obb import select_oriented
from edge_trt_ros.vision.tasks.pose import with_keypoints
from edge_trt_ros.vision.tasks.segment import Instances, instances, with_masks
from edge_trt_ros.vision.thresholds import Thresholds


def read_segment(network: Network) -> list[Reading]:
    """Return the reading of a network that returns rows with coefficients, and prototypes."""
    if len(network.outputs) != 2 or not is_fixed(network.outputs[1], FLOATS, 4):
        return []
    rows, prototypes = network.outputs
    return [Reading(0, rows.shape[1], {'rows': rows, 'prototypes': prototypes},
                    needs_labels=True)] if final_rows(network, prototypes.shape[1]) else []


def read_pose(network: Network) -> list[Reading]:
    """Return the reading of a network whose rows match its metadata `kpt_shape`."""
    shape = keypoint_shape(network)
    rows = final_rows(network, shape[0] * shape[1])
    return [Reading(0, rows.shape[1], {'rows': rows}, needs_labels=True,
                    options={'keypoint_shape': shape})] if rows and shape[0] else []


def read_oriented(network: Network) -> list[Reading]:
    """Return the reading of a network with rows of seven."""
    rows = final_rows(network, 1) if len(network.outputs) == 1 else None
    return [Reading(0, rows.shape[1], {'rows': rows}, needs_labels=True)] if rows else []


def _append(tail: Tail, found: RecognisedHead, raw: Raw, kept: int) -> tuple[str, str]:
    """Append the selection; return the boxes [1, K, 4] and what follows the class [1, K, more]."""
    end = found.shape('rows')[2]
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['rows'], column, column + 1, 2), tail.ints(2)]) for column in (4, 5))
    append_order(tail, scores, classes, kept)
    boxes, more = (tail.rows(tail.columns(raw['rows'], *ends, 2), ORDER, kept, ends[1] - ends[0])
                   for ends in ((0, 4), (6, end)))
    return boxes, more


def append_segment(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                   kept: int) -> None:
    """Append the decoding of segmentation."""
    boxes, more = _append(tail, found, raw, kept)
    tail.node('Identity', [boxes], 'boxes_xyxy')
    tail.node('Identity', [more], 'coefficients')
    tail.node('Identity', [raw['prototypes']], 'prototypes')


def append_pose(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
                ) -> None:
    """Append the decoding of keypoints."""
    boxes, more = _append(tail, found, raw, kept)
    tail.node('Identity', [boxes], 'boxes_xyxy')
    shape = found.reading.options['keypoint_shape']
    tail.node('Reshape', [more, tail.ints(1, kept, *shape)], 'keypoints')


def append_oriented(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                    kept: int) -> None:
    """Append the decoding of oriented boxes."""
    boxes, more = _append(tail, found, raw, kept)
    append_corners(tail, boxes)
    tail.node('Identity', [more], 'angles')


def _chosen(outputs: Outputs, thresholds: Thresholds) -> NDArray[np.float32]:
    rows = finite_outputs(outputs, 'rows')[0]
    chosen: NDArray[np.float32] = rows[rows[:, 4] >= thresholds.confidence]
    return chosen


def decode_segment(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Instances:
    """Decode rows with coefficients, and prototypes."""
    rows, prototypes = _chosen(outputs, thresholds), finite_outputs(outputs, 'prototypes')[0]
    return instances(rows[:, :4], rows[:, 4], rows[:, 5], rows[:, 6:], prototypes, letterbox,
                     thresholds, suppress=False)


def decode_pose(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
                keypoint_shape: tuple[int, int] = (0, 0)) -> Detections:
    """
    Decode rows with keypoints.

    :param keypoint_shape: keypoints per object, and values per keypoint: x, y, optionally a score.
    """
    rows = _chosen(outputs, thresholds)
    return with_keypoints(rows[:, :4], rows[:, 4], rows[:, 5],
                          rows[:, 6:].reshape(-1, *keypoint_shape), letterbox, thresholds,
                          suppress=False)


def decode_oriented(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode rows with an angle."""
    rows = _chosen(outputs, thresholds)
    return select_oriented(xywh_to_xyxy(rows[:, :4]), rows[:, 6], rows[:, 4], rows[:, 5],
                           letterbox, thresholds, suppress=False)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  int at = row * rows_2;
  found.x1 = rows(in, at); found.y1 = rows(in, at + 1);
  found.x2 = rows(in, at + 2); found.y2 = rows(in, at + 3);
  found.score = rows(in, at + 4); found.label = (int)rows(in, at + 5);
  for (int index = 0; index < EXTRAS; ++index) rows(in, at + 6 + index);
}
__device__ float extra(Reader& in, int row, int index) {
  return rows(in, row * rows_2 + 6 + index);
}
"""


def segment_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding; masks are computed on the host."""
    return DeviceCode(_READ_ROW, network.shapes['rows'][1], NO_NMS,
                      extras=network.shapes['rows'][2] - 6, to_host=('prototypes',),
                      finish=_finish_segment)


def pose_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['rows'][1], NO_NMS,
                      extras=network.shapes['rows'][2] - 6, finish=finish_pose)


def _finish_segment(found: Detections, extras: NDArray[np.float32], outputs: Outputs,
                    letterbox: Letterbox, options: Mapping[str, Any]) -> Instances:
    return with_masks(found, extras, outputs['prototypes'][0], letterbox)


SEGMENT = Head('yolo_final_segment', ('segment',), 'segment_final',
               '[1, boxes, 6 + coefficients] and [1, coefficients, height, width]',
               'Ultralytics segmentation of the 26 family, or exported with nms=True',
               read_segment, append_segment, decode_segment, needs='labels',
               on_device=segment_on_device)
POSE = Head('yolo_final_pose', ('pose',), 'keypoints_final',
            '[1, boxes, 6 + keypoints * numbers], with the metadata kpt_shape as [17, 3]',
            'Ultralytics pose of the 26 family, or exported with nms=True', read_pose, append_pose,
            decode_pose, needs='labels', on_device=pose_on_device)
ORIENTED = Head('yolo_final_oriented', ('obb',), 'oriented_final', '[1, boxes, 7]',
                'Ultralytics OBB of the 26 family, or exported with nms=True', read_oriented,
                append_oriented, decode_oriented, needs='labels')
