# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The inputs of the plugin `EfficientNMS_TRT`: boxes and scores; the plugin itself is removed.

ONNX Runtime does not support the plugin. Without it, thresholds can change while a node runs.
"""

from __future__ import annotations

from edge_trt_ros.heads.appending import append_best, append_corners
from edge_trt_ros.heads.decoding import best_of, detections, finite_outputs
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, PLUGIN_BOXES, PLUGIN_SCORES,
                                     Raw, Reading, RecognisedHead, Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def _read(network: Network, boxes: str) -> list[Reading]:
    by_name = {output.name: output for output in network.outputs}
    if set(by_name) != {boxes, PLUGIN_SCORES} or not all(
            is_fixed(output, FLOATS, 3) for output in by_name.values()) \
            or by_name[boxes].shape[2] != 4 \
            or by_name[boxes].shape[1] != by_name[PLUGIN_SCORES].shape[1]:
        return []
    _, rows, classes = by_name[PLUGIN_SCORES].shape
    return [Reading(classes, rows, {'boxes': by_name[boxes], 'scores': by_name[PLUGIN_SCORES]})]


def read_corners(network: Network) -> list[Reading]:
    """Return the reading of a network whose plugin reads corners."""
    return _read(network, PLUGIN_BOXES[0])


def read_centres(network: Network) -> list[Reading]:
    """Return the reading of a network whose plugin reads centres and sizes."""
    return _read(network, PLUGIN_BOXES[1])


def append_of_corners(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                      kept: int) -> None:
    """Append the decoding of corners."""
    order = append_best(tail, raw['scores'], kept)
    tail.node('Identity', [tail.rows(raw['boxes'], order, kept, 4)], 'boxes_xyxy')


def append_of_centres(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                      kept: int) -> None:
    """Append the decoding of centres and sizes."""
    order = append_best(tail, raw['scores'], kept)
    append_corners(tail, tail.rows(raw['boxes'], order, kept, 4))


def decode_corners(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [1, n, 4], corners, and `scores` [1, n, classes]."""
    boxes, scores = finite_outputs(outputs, 'boxes', 'scores')
    chosen, best, class_ids = best_of(scores, thresholds)
    return detections(boxes[chosen], best, class_ids, letterbox, thresholds, suppress=True)


def decode_centres(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [1, n, 4], centre and size, and `scores` [1, n, classes]."""
    boxes, scores = finite_outputs(outputs, 'boxes', 'scores')
    chosen, best, class_ids = best_of(scores, thresholds)
    return detections(xywh_to_xyxy(boxes[chosen]), best, class_ids, letterbox, thresholds,
                      suppress=True)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  for (int label = 0; label < scores_2; ++label)
    offer(found, scores(in, row * scores_2 + label), label);
  float a = boxes(in, row * 4), b = boxes(in, row * 4 + 1), c = boxes(in, row * 4 + 2),
    d = boxes(in, row * 4 + 3);
  if (CENTRES) return from_centre(found, a, b, c, d);
  found.x1 = a; found.y1 = b; found.x2 = c; found.y2 = d;
}
"""


def corners_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding of corners."""
    return DeviceCode(_READ_ROW, network.shapes['scores'][1], UPRIGHT_NMS, {'CENTRES': 0})


def centres_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding of centres and sizes."""
    return DeviceCode(_READ_ROW, network.shapes['scores'][1], UPRIGHT_NMS, {'CENTRES': 1})


CORNERS = Head('scored_corners', ('detect',), 'candidates',
               'boxes (corners) and scores into EfficientNMS_TRT',
               'networks that end in the plugin EfficientNMS_TRT', read_corners,
               append_of_corners, decode_corners, on_device=corners_on_device)
CENTRES = Head('scored_centres', ('detect',), 'candidates',
               'boxes (centres) and scores into EfficientNMS_TRT',
               'networks that end in the plugin EfficientNMS_TRT', read_centres,
               append_of_centres, decode_centres, on_device=centres_on_device)
