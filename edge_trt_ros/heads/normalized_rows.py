# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics RT-DETR: [1, queries, 4 + classes], normalised centre and size, then classes."""

from __future__ import annotations

from edge_trt_ros.heads.appending import append_normalised
from edge_trt_ros.heads.decoding import normalised_detections, one_output
from edge_trt_ros.heads.grids import cell_counts
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.heads.yolo_end_to_end import MAX_BOXES
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
    return [Reading(output.shape[2] - 4, output.shape[1], {'output': output}, needs_labels=True)]


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


HEAD = Head('normalized_rows', ('detect',), 'candidates_final',
            'one output [1, queries, 4 + classes] of sigmoids', 'RT-DETR of Ultralytics', read,
            append, decode, needs='labels')
