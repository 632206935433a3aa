# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""YOLOv7 with built-in NMS: [n, 7] with image index, corners, class and score."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.decoding import detections
from edge_trt_ros.heads.final_boxes import OPEN_ROWS, padded
from edge_trt_ros.heads.head import FLOATS, Head, Network, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with a variable number of rows of seven values."""
    if len(network.outputs) != 1 or network.outputs[0].shape != (-1, 7) \
            or network.outputs[0].dtype not in FLOATS \
            or not network.has_operator('NonMaxSuppression'):
        return []
    return [Reading(0, OPEN_ROWS, {'output': network.outputs[0]}, needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    boxes = tail.columns(raw['output'], 1, 5, 1)
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['output'], column, column + 1, 1), tail.ints(1)]) for column in (6, 5))
    append_final(tail, *padded(tail, boxes, scores, tail.cast(classes, 'int32'), kept), kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode corners, class and score of each row; the image index is always 0."""
    raw = next(iter(outputs.values())).astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), raw)
    chosen = raw[raw[:, 6] >= thresholds.confidence]
    return detections(chosen[:, 1:5], chosen[:, 6], chosen[:, 5], letterbox, thresholds,
                      suppress=False)


HEAD = Head('rows_of_seven', ('detect',), 'candidates_final',
            'one output [n, 7] after NonMaxSuppression', 'YOLOv7 with NMS inside', read, append,
            decode, needs='labels')
