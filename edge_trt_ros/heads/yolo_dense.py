# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics v8, v9, 11 and 12: [1, 4 + classes, anchors]."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import append_dense
from edge_trt_ros.heads.decoding import detections, one_output
from edge_trt_ros.heads.device import dense_code
from edge_trt_ros.heads.grids import cell_counts
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one column per cell of a known set of grids."""
    output = only_output(network)
    if output is None or output.shape[1] <= 4 or output.shape[2] not in cell_counts(
            network.size_wh):
        return []
    return [Reading(output.shape[1] - 4, output.shape[2], {'output': output})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    append_dense(tail, raw['output'], found.shape()[1], kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode centre, size and a score per class."""
    raw = one_output(outputs, 'rows of 4 + classes', lambda shape: shape[1] > 4)
    scores = raw[4:].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return detections(xywh_to_xyxy(raw[:4, chosen].T), scores[chosen], raw[4:, chosen].argmax(0),
                      letterbox, thresholds, suppress=True)


HEAD = Head('yolo_dense', ('detect',), 'candidates', 'one output [1, 4 + classes, anchors]',
            'Ultralytics v8, v9, 11, 12', read, append, decode, on_device=dense_code)
