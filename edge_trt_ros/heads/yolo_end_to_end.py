# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics v10 and 26, or exported with nms=True: [1, boxes, 6]; they need no NMS."""

from __future__ import annotations

from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.box_units import are_fractions, rows_of_six
from edge_trt_ros.heads.decoding import detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import Head, Network, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with rows of six that are not anchors of known grids."""
    output = rows_of_six(network)
    if output is None or network.finds_peaks() or are_fractions(network, output):
        return []
    return [Reading(0, output.shape[1], {'output': output}, needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['output'], column, column + 1, 2), tail.ints(2)]) for column in (4, 5))
    append_final(tail, tail.columns(raw['output'], 0, 4, 2), scores, classes, kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode corners, score and class."""
    raw = one_output(outputs, '6 columns', lambda shape: shape[2] == 6)
    chosen = raw[raw[:, 4] >= thresholds.confidence]
    return detections(chosen[:, :4], chosen[:, 4], chosen[:, 5], letterbox, thresholds,
                      suppress=False)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  found.x1 = output(in, row * 6); found.y1 = output(in, row * 6 + 1);
  found.x2 = output(in, row * 6 + 2); found.y2 = output(in, row * 6 + 3);
  found.score = output(in, row * 6 + 4); found.label = (int)output(in, row * 6 + 5);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][1], NO_NMS)


HEAD = Head('yolo_end_to_end', ('detect',), 'candidates_final', 'one output [1, boxes, 6]',
            'Ultralytics v10, 26, or exported with nms=True', read, append, decode,
            needs='labels', on_device=on_device)
