# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Built-in NMS with rows [n, 7]: image index, corners, then class and score, or score and class.

YOLOv7 puts the class first. YOLO-NAS puts the score first, and names its output.
"""

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

# Part of the name of YOLO-NAS's output.
_SCORE_FIRST = 'flat_predictions'


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with a variable number of rows of seven values."""
    if len(network.outputs) != 1 or network.outputs[0].shape != (-1, 7) \
            or network.outputs[0].dtype not in FLOATS \
            or not network.has_operator('NonMaxSuppression'):
        return []
    score = 5 if _SCORE_FIRST in network.outputs[0].name else 6
    return [Reading(0, OPEN_ROWS, {'output': network.outputs[0]}, needs_labels=True,
                    options={'score_column': score})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    boxes, score = tail.columns(raw['output'], 1, 5, 1), found.reading.options['score_column']
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['output'], column, column + 1, 1), tail.ints(1)])
        for column in (score, 11 - score))
    append_final(tail, *padded(tail, boxes, scores, tail.cast(classes, 'int32'), kept), kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, score_column: int = 6
           ) -> Detections:
    """
    Decode corners, class and score of each row; the image index is always 0.

    :param score_column: 5 or 6; the class has the other.
    """
    raw = next(iter(outputs.values())).astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), raw)
    chosen = raw[raw[:, score_column] >= thresholds.confidence]
    return detections(chosen[:, 1:5], chosen[:, score_column], chosen[:, 11 - score_column],
                      letterbox, thresholds, suppress=False)


HEAD = Head('rows_of_seven', ('detect',), 'candidates_final',
            'one output [n, 7] after NonMaxSuppression', 'YOLOv7 or YOLO-NAS with NMS inside',
            read, append, decode, needs='labels')
