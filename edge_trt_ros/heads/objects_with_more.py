# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""torchvision's Mask R-CNN and Keypoint R-CNN: final boxes with masks or keypoints."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads import final_boxes
from edge_trt_ros.heads.appending import append_final, ORDER
from edge_trt_ros.heads.head import FLOATS, Head, Network, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.heads.yolo_pose import keypoint_shape
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.tasks.pose import with_keypoints
from edge_trt_ros.vision.tasks.segment import Instances, instances
from edge_trt_ros.vision.thresholds import Thresholds

# torchvision returns at most this many objects; each has a mask of the input's size.
_ROWS = 100
# COCO's keypoints of a person.
_OF_PERSONS = (17, 3)
_INNER = ('boxes', 'scores', 'labels')
# Masks hold probabilities.
_LIMIT = 0.5


def _read(network: Network, more: str, dimensions: int) -> list[Reading]:
    """Return the reading of a network with boxes, scores, labels and one output more."""
    by_name = {output.name: output for output in network.outputs}
    last = by_name.pop(more, None)
    by_name.pop(f'{more}_scores', None)
    roles = final_boxes.roles_by_kind(list(by_name.values()))
    # The loop that pastes masks, or sums keypoints, leaves even the number of axes open.
    if last is None or last.dtype not in FLOATS or len(last.shape) not in (0, dimensions) \
            or roles is None or not final_boxes.is_detection(roles) \
            or len(roles['boxes'].shape) != 2 or not network.has_operator('NonMaxSuppression'):
        return []
    return [Reading(0, _ROWS, {**roles, more: last}, needs_labels=True)]


def read_masks(network: Network) -> list[Reading]:
    """Return the reading of a network that returns masks [n, 1, h, w] as well."""
    # The masks have the size of the input.
    shape = (1, _ROWS, *network.size_wh[::-1])
    return [replace(reading, roles={**reading.roles, 'masks': replace(
        reading.roles['masks'], shape=shape)}) for reading in _read(network, 'masks', 4)
        if reading.roles['masks'].shape[1:2] in ((), (1,), (-1,))]


def read_keypoints(network: Network) -> list[Reading]:
    """Return the reading of a network that returns keypoints [n, k, 3], and maybe their logits."""
    found = []
    for reading in _read(network, 'keypoints', 3):
        shape = reading.roles['keypoints'].shape[1:]
        if not shape or -1 in shape:
            shape = keypoint_shape(network) if 'kpt_shape' in network.metadata else _OF_PERSONS
        if shape[0] > 0 and shape[1] == 3:
            found.append(replace(reading, options={'keypoint_shape': shape}))
    return found


def _append_boxes(tail: Tail, raw: Raw, kept: int) -> None:
    append_final(tail, *final_boxes.padded(tail, raw['boxes'], raw['scores'],
                                           tail.cast(raw['labels'], 'int32'), kept), kept)


def _padded_rows(tail: Tail, values: str, shape: tuple[int, ...], count: int) -> str:
    """Append zeros for more rows to [n, ...]; return [1, n + count, product of the shape]."""
    zeros = tail.node('ConstantOfShape', [tail.ints(count, prod(shape))])
    flat = tail.node('Reshape', [values, tail.ints(-1, prod(shape))])
    return tail.node('Unsqueeze', [tail.node('Concat', [flat, zeros], axis=0), tail.ints(0)])


def append_masks(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                 kept: int) -> None:
    """Append the decoding; the coefficients of a row choose its own mask."""
    _append_boxes(tail, raw, kept)
    shape = size_wh[::-1]
    whole = tail.columns(_padded_rows(tail, raw['masks'], shape, _ROWS), 0, _ROWS, 1)
    tail.node('Sub', [tail.node('Reshape', [whole, tail.ints(1, _ROWS, *shape)]), tail.half()],
              'prototypes')
    own = tail.constant(np.eye(_ROWS + kept, _ROWS, dtype=np.float32)[None])
    tail.node('Identity', [tail.rows(own, ORDER, kept, _ROWS)], 'coefficients')


def append_keypoints(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                     kept: int) -> None:
    """Append the decoding."""
    _append_boxes(tail, raw, kept)
    shape = found.reading.options['keypoint_shape']
    rows = tail.rows(_padded_rows(tail, raw['keypoints'], shape, kept), ORDER, kept, prod(shape))
    tail.node('Reshape', [rows, tail.ints(1, kept, *shape)], 'keypoints')


def _chosen(outputs: Outputs, more: str, thresholds: Thresholds) -> list[NDArray[Any]]:
    for name in ('boxes', 'scores', more):
        check_finite(name, outputs[name])
    chosen = outputs['scores'] >= thresholds.confidence
    return [outputs[name][chosen] for name in (*_INNER, more)]


def decode_masks(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Instances:
    """Decode final boxes and masks of the input's size."""
    boxes, scores, class_ids, masks = _chosen(outputs, 'masks', thresholds)
    return instances(boxes, scores, class_ids, np.eye(len(masks), dtype=np.float32),
                     masks.reshape(len(masks), *masks.shape[-2:]) - _LIMIT, letterbox,
                     thresholds, suppress=False)


def decode_keypoints(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
                     keypoint_shape: tuple[int, int]) -> Detections:
    """
    Decode final boxes and keypoints: x, y and whether it is visible.

    :param keypoint_shape: keypoints per object, and 3.
    """
    boxes, scores, class_ids, points = _chosen(outputs, 'keypoints', thresholds)
    return with_keypoints(boxes, scores, class_ids, points.reshape(-1, *keypoint_shape),
                          letterbox, thresholds, suppress=False)


_BOXES = 'boxes [n, 4], labels [n], scores [n]'
MASKS = Head('objects_with_masks', ('segment',), 'segment_final',
             f'{_BOXES} and masks [n, 1, height, width]', 'Mask R-CNN of torchvision',
             read_masks, append_masks, decode_masks, needs='task, labels',
             complete=final_boxes.complete)
KEYPOINTS = Head('objects_with_keypoints', ('pose',), 'keypoints_final',
                 f'{_BOXES} and keypoints [n, keypoints, 3]', 'Keypoint R-CNN of torchvision',
                 read_keypoints, append_keypoints, decode_keypoints, needs='task, labels',
                 complete=final_boxes.complete)
