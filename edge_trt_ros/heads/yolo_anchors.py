# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Decoded rows of boxes, [1, boxes, 5 + classes]: centre, size, objectness, classes.

Ultralytics v5, and v7 exported with its grid, have three boxes per cell. YOLOX and YOLOv6,
exported with their decoding, have one box per cell.
"""

from __future__ import annotations

from edge_trt_ros.heads.appending import append_dense
from edge_trt_ros.heads.decoding import best_of, detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.grids import ANCHORS_A_CELL, cell_counts
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.heads.yolox import RAW_MAKERS, YOLOX_PIXELS
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the readings of a network with three decoded boxes per cell, or with one."""
    output = only_output(network)
    if output is None or output.shape[2] <= 5 or network.metadata.get('end2end') == 'True':
        return []
    cells = cell_counts(network.size_wh)
    classes, roles, readings = output.shape[2] - 5, {'output': output}, []
    if output.shape[1] in {ANCHORS_A_CELL * count for count in cells}:
        readings.append(Reading(classes, output.shape[1], roles))
    makers = network.makers([output.name])
    if output.shape[1] in cells and not makers <= RAW_MAKERS and makers & {
            'Add', 'Mul', 'ScatterND'}:
        # An exponential means YOLOX, which reads BGR pixels without scaling.
        pixels = YOLOX_PIXELS if 'Exp' in network.operators_before(output.name) else {}
        readings.append(Reading(classes, output.shape[1], roles, pixels, needs_labels=True))
    return readings


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    columns = found.shape()[2]
    # Transpose first: TensorRT is fastest along the last axis.
    rows = tail.node('Transpose', [raw['output']], perm=[0, 2, 1])  # [1, 5 + C, N]
    scores = tail.node('Mul', [tail.columns(rows, 5, columns, 1), tail.columns(rows, 4, 5, 1)])
    dense = tail.node('Concat', [tail.columns(rows, 0, 4, 1), scores], axis=1)
    append_dense(tail, dense, columns - 1, kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode centre, size, objectness and classes; score = objectness * class score."""
    raw = one_output(outputs, 'columns of 5 + classes', lambda shape: shape[2] > 5)
    chosen, scores, class_ids = best_of(raw[:, 5:] * raw[:, 4:5], thresholds)
    return detections(xywh_to_xyxy(raw[chosen, :4]), scores, class_ids, letterbox, thresholds,
                      suppress=True)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  int at = row * output_2;
  float object = output(in, at + 4);
  for (int label = 0; label < output_2 - 5; ++label)
    offer(found, output(in, at + 5 + label) * object, label);
  from_centre(found, output(in, at), output(in, at + 1), output(in, at + 2), output(in, at + 3));
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][1], UPRIGHT_NMS)


HEAD = Head('yolo_anchors', ('detect',), 'candidates',
            'one output [1, 3 * cells, 5 + classes], or [1, cells, 5 + classes] decoded',
            'Ultralytics v5; YOLOv7 with its grid; YOLOX and YOLOv6 with decoding', read, append,
            decode, needs='labels for YOLOX and YOLOv6', on_device=on_device)
