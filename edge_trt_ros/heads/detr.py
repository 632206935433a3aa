# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""DETR family: logits [1, queries, classes] and boxes [1, queries, 4]."""

from __future__ import annotations

from typing import Any

from edge_trt_ros.heads.appending import append_normalised
from edge_trt_ros.heads.box_units import STRETCHED
from edge_trt_ros.heads.decoding import finite_outputs, normalised_detections, sigmoid, softmax
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

IMAGENET: dict[str, Any] = {'mean': (0.485, 0.456, 0.406), 'std': (0.229, 0.224, 0.225)}


def _roles(network: Network) -> dict[str, TensorSpec] | None:
    logits = [output for output in network.outputs if 'logits' in output.name]
    boxes = [output for output in network.outputs if 'boxes' in output.name]
    if len(network.outputs) != 2 or len(logits) != 1 or len(boxes) != 1 or logits == boxes \
            or not all(is_fixed(output, FLOATS, 3) for output in network.outputs) \
            or boxes[0].shape[2] != 4 or boxes[0].shape[1] != logits[0].shape[1] \
            or logits[0].shape[2] < 2:
        return None
    return {'logits': logits[0], 'boxes': boxes[0]}


def _is_softmax(network: Network, roles: dict[str, TensorSpec]) -> bool | None:
    """
    Return whether the classes are a softmax with "no object"; None if the operators do not tell.

    DETR and YOLOS end in a sigmoid of a box. The others refine a reference point, whose logit
    they compute with a Log, or scale a proposal without a sigmoid.
    """
    makers = network.makers([roles['boxes'].name])
    return (makers == {'Sigmoid'} and not network.has_operator('Log')) if makers else None


def read_sigmoid(network: Network) -> list[Reading]:
    """Return the reading with a sigmoid per class."""
    roles = _roles(network)
    if roles is None or _is_softmax(network, roles):
        return []
    # RT-DETR and its successors select their queries, and read pixels as they are.
    pixels = STRETCHED if network.has_operator('TopK') else IMAGENET
    return [Reading(roles['logits'].shape[2], roles['logits'].shape[1], roles, pixels,
                    needs_labels=True)]


def read_softmax(network: Network) -> list[Reading]:
    """Return the reading with a softmax whose last class means no object."""
    roles = _roles(network)
    if roles is None or _is_softmax(network, roles) is False:
        return []
    return [Reading(roles['logits'].shape[2] - 1, roles['logits'].shape[1], roles, IMAGENET,
                    needs_labels=True)]


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
    return normalised_detections(boxes, softmax(logits)[:, :-1], letterbox, thresholds)


_BOX = """
__device__ void read_box(Reader& in, int row, Row& found) {
  from_centre(found, boxes(in, row * 4) * WIDTH, boxes(in, row * 4 + 1) * HEIGHT,
              boxes(in, row * 4 + 2) * WIDTH, boxes(in, row * 4 + 3) * HEIGHT);
}
"""
SIGMOID_ROW = _BOX + """
__device__ void read_row(Reader& in, int row, Row& found) {
  for (int label = 0; label < logits_2; ++label) {
    float score = sigmoid(logits(in, row * logits_2 + label));
    if (label < LABELS) offer(found, score, label);
  }
  read_box(in, row, found);
}
"""
_SOFTMAX_ROW = _BOX + """
__device__ void read_row(Reader& in, int row, Row& found) {
  float largest = logits(in, row * logits_2), sum = 0;
  for (int label = 1; label < logits_2; ++label)
    largest = fmaxf(largest, logits(in, row * logits_2 + label));
  for (int label = 0; label < logits_2; ++label)
    sum += expf(logits(in, row * logits_2 + label) - largest);
  for (int label = 0; label < logits_2 - 1; ++label)
    offer(found, expf(logits(in, row * logits_2 + label) - largest) / sum, label);
  read_box(in, row, found);
}
"""


def sigmoid_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding with sigmoids."""
    return DeviceCode(SIGMOID_ROW, network.shapes['logits'][1], NO_NMS)


def softmax_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding with a softmax."""
    return DeviceCode(_SOFTMAX_ROW, network.shapes['logits'][1], NO_NMS)


SIGMOID = Head('detr_sigmoid', ('detect',), 'candidates_final',
               'logits [1, queries, classes] and boxes [1, queries, 4]',
               'RT-DETR, RT-DETR v2, D-FINE, Conditional and Deformable DETR (Hugging Face)',
               read_sigmoid, append_sigmoid, decode_sigmoid, needs='labels',
               on_device=sigmoid_on_device)
SOFTMAX = Head('detr_softmax', ('detect',), 'candidates_final',
               'logits [1, queries, classes + 1] and boxes [1, queries, 4]',
               'DETR, YOLOS (Hugging Face)', read_softmax, append_softmax, decode_softmax,
               needs='labels, as many as classes without "no object"',
               on_device=softmax_on_device)
