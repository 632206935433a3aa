# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
TensorFlow's detection API and EfficientDet: final boxes whose first class has the number 1.

Boxes are top, left, bottom and right: fractions of the image in the detection API, pixels in the
only output of EfficientDet.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.decoding import detections, finite_outputs, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import (FLOATS, Given, Head, is_fixed, Network, only_output, Raw,
                                     Reading, RecognisedHead, Tail)
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

_STRETCHED = {'fit': 'squash', 'scale': 1.0}
_ROLES = {'detection_boxes': 'boxes', 'detection_scores': 'scores', 'detection_classes': 'labels'}
_OPTIONAL = {'num_detections', 'raw_detection_boxes', 'raw_detection_scores',
             'detection_anchor_indices', 'detection_multiclass_scores'}
_BACKGROUND = ('background', '__background__')


def read_api(network: Network) -> list[Reading]:
    """Return the reading of a network with the names of the detection API."""
    by_name = {output.name.split(':')[0]: output for output in network.outputs}
    if not set(_ROLES) <= set(by_name) or set(by_name) - set(_ROLES) - _OPTIONAL:
        return []
    roles = {role: by_name[name] for name, role in _ROLES.items()}
    boxes, scores, labels = roles.values()
    if not is_fixed(boxes, FLOATS, 3) or boxes.shape[2] != 4 or not all(
            is_fixed(output, FLOATS, 2) and output.shape == boxes.shape[:2]
            for output in (scores, labels)):
        return []
    return [Reading(0, boxes.shape[1], roles, _STRETCHED, needs_labels=True)]


def read_rows(network: Network) -> list[Reading]:
    """Return the reading of a network with the only output of EfficientDet."""
    output = only_output(network)
    if output is None or output.shape[2] != 7 or 'detections' not in output.name:
        return []
    # AutoML fits the image into the upper left corner, and pads with the mean.
    return [Reading(0, output.shape[1], {'rows': output}, {'fit': 'top_left', 'scale': 1.0},
                    needs_labels=True)]


def complete(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    """Insert the background, which has the number 0, into the labels."""
    labels = found.labels if found.labels[0].lower() in _BACKGROUND \
        else (_BACKGROUND[0], *found.labels)
    return replace(found, labels=labels)


def _columns(tail: Tail, tensor: str, *columns: int) -> list[str]:
    return [tail.columns(tensor, column, column + 1, 2) for column in columns]


def append_api(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
               ) -> None:
    """Append the decoding."""
    ordered = tail.node('Concat', _columns(tail, raw['boxes'], 1, 0, 3, 2), axis=2)
    boxes = tail.node('Mul', [ordered, tail.floats(*map(float, size_wh * 2))])
    append_final(tail, boxes, raw['scores'], raw['labels'], kept)


def append_rows(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
                ) -> None:
    """Append the decoding."""
    boxes = tail.node('Concat', _columns(tail, raw['rows'], 2, 1, 4, 3), axis=2)
    scores, classes = (tail.node('Squeeze', [column, tail.ints(2)])
                       for column in _columns(tail, raw['rows'], 5, 6))
    append_final(tail, boxes, scores, classes, kept)


def decode_api(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode fractions; rows after the last detection have the score 0."""
    boxes, scores, labels = finite_outputs(outputs, 'boxes', 'scores', 'labels')
    chosen = scores >= thresholds.confidence
    scale = np.array(letterbox.network_size_wh * 2, np.float32)
    return detections(boxes[chosen][:, [1, 0, 3, 2]] * scale, scores[chosen], labels[chosen],
                      letterbox, thresholds, suppress=False)


def decode_rows(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode rows of image index, top, left, bottom, right, score and class."""
    raw = one_output(outputs, '7 columns', lambda shape: shape[2] == 7)
    chosen = raw[raw[:, 5] >= thresholds.confidence]
    return detections(chosen[:, [2, 1, 4, 3]], chosen[:, 5], chosen[:, 6], letterbox, thresholds,
                      suppress=False)


_API_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  found.y1 = boxes(in, row * 4) * HEIGHT; found.x1 = boxes(in, row * 4 + 1) * WIDTH;
  found.y2 = boxes(in, row * 4 + 2) * HEIGHT; found.x2 = boxes(in, row * 4 + 3) * WIDTH;
  found.score = scores(in, row); found.label = (int)labels(in, row);
}
"""
_ROWS_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  rows(in, row * 7);
  found.y1 = rows(in, row * 7 + 1); found.x1 = rows(in, row * 7 + 2);
  found.y2 = rows(in, row * 7 + 3); found.x2 = rows(in, row * 7 + 4);
  found.score = rows(in, row * 7 + 5); found.label = (int)rows(in, row * 7 + 6);
}
"""


def api_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_API_ROW, network.shapes['boxes'][1], NO_NMS)


def rows_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_ROWS_ROW, network.shapes['rows'][1], NO_NMS)


API = Head('tf_detection', ('detect',), 'candidates_final',
           'detection_boxes [1, n, 4], detection_scores and detection_classes [1, n]',
           "TensorFlow's detection API (SSD MobileNet, EfficientDet, CenterNet)", read_api,
           append_api, decode_api, needs='labels', complete=complete, on_device=api_on_device)
ROWS = Head('efficientdet_rows', ('detect',), 'candidates_final',
            'one output detections [1, n, 7]', 'EfficientDet (AutoML)', read_rows, append_rows,
            decode_rows, needs='labels', complete=complete, on_device=rows_on_device)
