# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics OBB: dense rows with an angle in radians, [1, 4 + classes + 1, anchors]."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import append_dense_with
from edge_trt_ros.heads.box_units import final_rows
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, ORIENTED_NMS
from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output, Outputs
from edge_trt_ros.vision.tasks.obb import select_oriented
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with at least one class before the angle."""
    output = network.outputs[0] if len(network.outputs) == 1 else None
    if output is None or not all_float_and_fixed(network) or len(output.shape) != 3 \
            or output.shape[0] != 1 or output.shape[1] < 6 or final_rows(network, 1):
        return []
    return [Reading(output.shape[1] - 5, output.shape[2], {'output': output})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    tail.node('Identity', [append_dense_with(tail, raw['output'], found.shape()[1], kept, 1)],
              'angles')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode centre, size, classes and angle."""
    raw = only_output(outputs, 3)[0]
    scores = raw[4:-1].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return select_oriented(xywh_to_xyxy(raw[:4, chosen].T), raw[-1, chosen], scores[chosen],
                           raw[4:-1, chosen].argmax(0), letterbox, thresholds)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  for (int label = 0; label < output_1 - 5; ++label)
    offer(found, output(in, (4 + label) * ROWS + row), label);
  from_centre(found, output(in, row), output(in, ROWS + row), output(in, 2 * ROWS + row),
              output(in, 3 * ROWS + row));
  found.angle = output(in, (output_1 - 1) * ROWS + row);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][2], ORIENTED_NMS)


HEAD = Head('yolo_oriented', ('obb',), 'oriented', '[1, 4 + classes + 1, anchors]',
            'Ultralytics OBB', read, append, decode, on_device=on_device)
