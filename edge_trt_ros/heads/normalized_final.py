# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics RT-DETR since 8.4.60: [1, queries, 6], normalised centre and size, score, class."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import append_corners, append_order
from edge_trt_ros.heads.box_units import are_fractions, rows_of_six, STRETCHED
from edge_trt_ros.heads.decoding import detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import Head, Network, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with rows of six whose boxes are fractions."""
    output = rows_of_six(network)
    if output is None or network.finds_peaks() or not are_fractions(network, output):
        return []
    return [Reading(0, output.shape[1], {'output': output}, STRETCHED,
                    needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['output'], column, column + 1, 2), tail.ints(2)]) for column in (4, 5))
    order = append_order(tail, scores, classes, kept)
    boxes = tail.rows(tail.columns(raw['output'], 0, 4, 2), order, kept, 4)
    append_corners(tail, tail.node('Mul', [boxes, tail.floats(*map(float, size_wh * 2))]))


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode normalised centre and size, score and class."""
    raw = one_output(outputs, '6 columns', lambda shape: shape[2] == 6)
    chosen = raw[raw[:, 4] >= thresholds.confidence]
    scale = np.array(letterbox.network_size_wh * 2, np.float32)
    return detections(xywh_to_xyxy(chosen[:, :4] * scale), chosen[:, 4], chosen[:, 5], letterbox,
                      thresholds, suppress=False)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  from_centre(found, output(in, row * 6) * WIDTH, output(in, row * 6 + 1) * HEIGHT,
              output(in, row * 6 + 2) * WIDTH, output(in, row * 6 + 3) * HEIGHT);
  found.score = output(in, row * 6 + 4); found.label = (int)output(in, row * 6 + 5);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][1], NO_NMS)


HEAD = Head('normalized_final', ('detect',), 'candidates_final',
            'one output [1, queries, 6] of boxes as fractions, score and class',
            'RT-DETR of Ultralytics since 8.4.60', read, append, decode, needs='labels',
            on_device=on_device)
