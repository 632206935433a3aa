# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics RT-DETR: [1, queries, 4 + classes], normalised centre and size, then classes."""

from __future__ import annotations

from edge_trt_ros.heads.appending import append_normalised
from edge_trt_ros.heads.box_units import MAX_BOXES, STRETCHED
from edge_trt_ros.heads.decoding import normalised_detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.grids import cell_counts
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose rows are all computed by sigmoids."""
    output = only_output(network)
    if output is None or not 4 < output.shape[2] or output.shape[1] > MAX_BOXES \
            or output.shape[1] in cell_counts(network.size_wh) \
            or network.makers([output.name]) != {'Sigmoid'}:
        return []
    return [Reading(output.shape[2] - 4, output.shape[1], {'output': output}, STRETCHED,
                    needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    boxes, scores = (tail.columns(raw['output'], *ends, 2)
                     for ends in ((0, 4), (4, found.shape()[2])))
    append_normalised(tail, boxes, scores, size_wh, kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode normalised centre and size, and a score per class."""
    raw = one_output(outputs, 'columns of 4 + classes', lambda shape: shape[2] > 4)
    return normalised_detections(raw[:, :4], raw[:, 4:], letterbox, thresholds)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  int at = row * output_2;
  for (int label = 0; label < output_2 - 4; ++label)
    offer(found, output(in, at + 4 + label), label);
  from_centre(found, output(in, at) * WIDTH, output(in, at + 1) * HEIGHT,
              output(in, at + 2) * WIDTH, output(in, at + 3) * HEIGHT);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][1], NO_NMS)


HEAD = Head('normalized_rows', ('detect',), 'candidates_final',
            'one output [1, queries, 4 + classes] of sigmoids', 'RT-DETR of Ultralytics', read,
            append, decode, needs='labels', on_device=on_device)
