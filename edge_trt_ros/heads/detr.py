# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""DETR family: logits [1, queries, classes] and boxes [1, queries, 4]."""

from __future__ import annotations

from typing import Any

import numpy as np

from edge_trt_ros.heads.appending import append_normalised
from edge_trt_ros.heads.decoding import finite_outputs, normalised_detections, sigmoid
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

_IMAGENET: dict[str, Any] = {'mean': (0.485, 0.456, 0.406), 'std': (0.229, 0.224, 0.225)}


def _roles(network: Network) -> dict[str, TensorSpec] | None:
    logits = [output for output in network.outputs if 'logits' in output.name]
    boxes = [output for output in network.outputs if 'boxes' in output.name]
    if len(network.outputs) != 2 or len(logits) != 1 or len(boxes) != 1 or logits == boxes \
            or not all(is_fixed(output, FLOATS, 3) for output in network.outputs) \
            or boxes[0].shape[2] != 4 or boxes[0].shape[1] != logits[0].shape[1] \
            or logits[0].shape[2] < 2:
        return None
    return {'logits': logits[0], 'boxes': boxes[0]}


def read_sigmoid(network: Network) -> list[Reading]:
    """Return the reading with a sigmoid per class."""
    roles = _roles(network)
    return [Reading(roles['logits'].shape[2], roles['logits'].shape[1], roles,
                    needs_labels=True)] if roles else []


def read_softmax(network: Network) -> list[Reading]:
    """Return the reading with a softmax whose last class means no object."""
    roles = _roles(network)
    return [Reading(roles['logits'].shape[2] - 1, roles['logits'].shape[1], roles, _IMAGENET,
                    needs_labels=True)] if roles else []


def append_sigmoid(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                   kept: int) -> None:
    """Append the decoding with sigmoids."""
    scores = tail.node('Sigmoid', [raw['logits']])
    append_normalised(tail, raw['boxes'], tail.columns(scores, 0, len(found.labels), 2), size_wh,
                      kept)


def append_softmax(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                   kept: int) -> None:
    """Append the decoding with a softmax, and drop its last class."""
    scores = tail.node('Softmax', [raw['logits']], axis=2)
    append_normalised(tail, raw['boxes'], tail.columns(scores, 0, len(found.labels), 2), size_wh,
                      kept)


def decode_sigmoid(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode logits with sigmoids (RT-DETR, Deformable DETR)."""
    logits, boxes = finite_outputs(outputs, 'logits', 'boxes')
    return normalised_detections(boxes, sigmoid(logits), letterbox, thresholds)


def decode_softmax(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode logits with a softmax whose last class means no object (DETR)."""
    logits, boxes = finite_outputs(outputs, 'logits', 'boxes')
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    scores = exponentials / exponentials.sum(1, keepdims=True)
    return normalised_detections(boxes, scores[:, :-1], letterbox, thresholds)


SIGMOID = Head('detr_sigmoid', ('detect',), 'candidates_final',
               'logits [1, queries, classes] and boxes [1, queries, 4]',
               'RT-DETR, Deformable DETR (Hugging Face)', read_sigmoid, append_sigmoid,
               decode_sigmoid, needs='labels')
SOFTMAX = Head('detr_softmax', ('detect',), 'candidates_final',
               'logits [1, queries, classes + 1] and boxes [1, queries, 4]',
               'DETR (Hugging Face)', read_softmax, append_softmax, decode_softmax,
               needs='labels, as many as classes without "no object"')
