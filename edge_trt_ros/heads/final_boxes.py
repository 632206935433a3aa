# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Final boxes, scores and labels: the network has applied its own NMS or needs none.

RT-DETR with `orig_target_sizes`, and torchvision's SSD, RetinaNet and Faster R-CNN, which return
a variable number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.box_units import STRETCHED
from edge_trt_ros.heads.decoding import detections
from edge_trt_ros.heads.head import (FLOATS, Given, Head, INTEGERS, Network, Raw, Reading,
                                     RecognisedHead, Tail, TARGET_SIZES)
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.thresholds import Thresholds

# Maximum number of rows of a network with a variable number of rows.
OPEN_ROWS = 1000
_COCO = 91
_BACKGROUND = ('background', '__background__')


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose three outputs are boxes, scores and labels."""
    roles = roles_by_kind(network.outputs)
    if roles is None or not is_detection(roles):
        return []
    shape = roles['boxes'].shape
    if TARGET_SIZES in network.adapted and roles['scores'].shape[0] == 1 and len(shape) == 3 \
            and shape[1] > 0:
        return [Reading(0, shape[1], roles, STRETCHED, needs_labels=True)]
    # torchvision detectors return a variable number of rows after their own NMS.
    if len(shape) == 2 and shape[0] == -1 and network.has_operator('NonMaxSuppression'):
        return [Reading(0, OPEN_ROWS, roles, needs_labels=True)]
    return []


def complete(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    """
    Insert the background, torchvision's first class, into the labels.

    :raises ModelError: if the network has COCO's 91 classes, and the labels are fewer.
    """
    if len(found.shape('boxes')) != 2:
        return found
    labels = found.labels
    if labels[0].lower() not in _BACKGROUND:
        labels = (_BACKGROUND[0], *labels)
    # torchvision's classes of COCO have gaps: the last layer has 91, and more with anchors.
    lengths = network.bias_lengths()
    if any(length % _COCO == 0 for length in lengths) \
            and not any(length % len(labels) == 0 for length in lengths):
        raise ModelError(f'{len(labels)} labels, with the background, fit no layer of the '
                         f'network, which has {_COCO} classes as COCO in torchvision: give these',
                         code='labels_mismatch')
    return replace(found, labels=labels)


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    boxes, scores = raw['boxes'], raw['scores']
    classes = tail.cast(raw['labels'], 'int32')
    if len(found.shape('boxes')) == 2:
        boxes, scores, classes = padded(tail, boxes, scores, classes, kept)
    append_final(tail, boxes, scores, classes, kept)


def padded(tail: Tail, boxes: str, scores: str, classes: str, kept: int
           ) -> tuple[str, str, str]:
    """Append K rows of zeros to a variable number of rows, and a batch dimension of 1."""
    made = [tail.node('Unsqueeze', [tail.node('Concat', [
        values, tail.constant(np.zeros((kept, *rest), dtype))], axis=0), tail.ints(0)])
        for values, rest, dtype in ((boxes, (4,), np.float32), (scores, (), np.float32),
                                    (classes, (), np.int32))]
    return made[0], made[1], made[2]


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode `boxes` [n, 4], `scores` [n] and `labels` [n], optionally with a batch of 1."""
    boxes, scores, class_ids = outputs['boxes'], outputs['scores'], outputs['labels']
    check_finite('boxes', boxes)
    check_finite('scores', scores)
    scores = scores.reshape(-1)
    chosen = scores >= thresholds.confidence
    return detections(boxes.reshape(-1, 4)[chosen], scores[chosen],
                      class_ids.reshape(-1)[chosen], letterbox, thresholds, suppress=False)


def is_detection(roles: Mapping[str, TensorSpec]) -> bool:
    """Return whether boxes, scores and labels have the dtypes and shapes of detections."""
    boxes, scores, labels = (roles[name] for name in ('boxes', 'scores', 'labels'))
    return boxes.shape[-1:] == (4,) and boxes.dtype in FLOATS and scores.dtype in FLOATS \
        and labels.dtype in INTEGERS and scores.shape == labels.shape == boxes.shape[:-1]


def roles_by_kind(outputs: Sequence[TensorSpec]) -> dict[str, TensorSpec] | None:
    """
    Return boxes, scores and labels, recognised by shape and dtype: [..., 4], float, integer.

    Names are unreliable: the order of torchvision's outputs depends on the network, so exports
    with `output_names` often swap the names of scores and labels.
    """
    boxes = [output for output in outputs
             if output.shape[-1:] == (4,) and len(output.shape) > 1]
    rest = [output for output in outputs if output not in boxes]
    scores = [output for output in rest if output.dtype in FLOATS]
    labels = [output for output in rest if output.dtype in INTEGERS]
    if (len(boxes), len(scores), len(labels)) != (1, 1, 1):
        return None
    return {'boxes': boxes[0], 'scores': scores[0], 'labels': labels[0]}


HEAD = Head('final_boxes', ('detect',), 'candidates_final', 'boxes, scores and labels',
            'RT-DETR with orig_target_sizes; SSD, RetinaNet, Faster R-CNN of torchvision', read,
            append, decode, needs='labels', complete=complete)
