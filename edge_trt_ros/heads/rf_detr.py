# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""RF-DETR: `dets` [1, queries, 4], `labels` [1, queries, classes] and `masks`, all raw."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads import detr
from edge_trt_ros.heads.appending import append_normalised, ORDER
from edge_trt_ros.heads.box_units import STRETCHED
from edge_trt_ros.heads.decoding import best_of, finite_outputs, sigmoid
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.tasks.segment import Instances, instances, with_masks
from edge_trt_ros.vision.thresholds import Thresholds

_PIXELS: Mapping[str, Any] = {**STRETCHED, **detr.IMAGENET}
_NAMES = {'dets': 'boxes', 'labels': 'logits'}


def _read(network: Network, names: Mapping[str, str]) -> list[Reading]:
    by_name = {output.name: output for output in network.outputs}
    if set(by_name) != set(names):
        return []
    roles = {role: by_name[name] for name, role in names.items()}
    boxes, logits = roles['boxes'], roles['logits']
    if not is_fixed(boxes, FLOATS, 3) or not is_fixed(logits, FLOATS, 3) \
            or boxes.shape[1:] != (logits.shape[1], 4) or logits.shape[2] < 2:
        return []
    # The last of the logits stands for no class after training on own classes.
    return [Reading(classes, logits.shape[1], roles, _PIXELS, needs_labels=True,
                    options={'classes': classes})
            for classes in (logits.shape[2], logits.shape[2] - 1)]


def read_boxes(network: Network) -> list[Reading]:
    """Return the readings of a network with the names of RF-DETR's detector."""
    return _read(network, _NAMES)


def read_masks(network: Network) -> list[Reading]:
    """Return the readings of a network with the names of RF-DETR's segmenter."""
    found = _read(network, {**_NAMES, 'masks': 'masks'})
    return [reading for reading in found if is_fixed(reading.roles['masks'], FLOATS, 4)
            and reading.roles['masks'].shape[1] == reading.rows]


def append_boxes(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                 kept: int) -> None:
    """Append the decoding of boxes."""
    scores = tail.columns(tail.node('Sigmoid', [raw['logits']]), 0, len(found.labels), 2)
    append_normalised(tail, raw['boxes'], scores, size_wh, kept)


def append_masks(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                 kept: int) -> None:
    """Append the decoding of boxes; the coefficients of a row choose its own mask."""
    append_boxes(tail, found, raw, size_wh, kept)
    own = tail.constant(np.eye(found.rows, dtype=np.float32)[None])
    tail.node('Identity', [tail.rows(own, ORDER, kept, found.rows)], 'coefficients')
    tail.node('Identity', [raw['masks']], 'prototypes')


def decode_boxes(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, classes: int
                 ) -> Detections:
    """
    Decode boxes as fractions, and a logit per class.

    :param classes: number of classes; further logits are ignored.
    """
    logits = outputs['logits'][..., :classes]
    return detr.decode_sigmoid({**outputs, 'logits': logits}, letterbox, thresholds)


def decode_masks(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, classes: int
                 ) -> Instances:
    """
    Decode boxes as fractions, a logit per class, and a mask for each query.

    :param classes: number of classes; further logits are ignored.
    """
    logits, boxes, masks = finite_outputs(outputs, 'logits', 'boxes', 'masks')
    chosen, scores, class_ids = best_of(sigmoid(logits[:, :classes]), thresholds)
    scale = np.array(letterbox.network_size_wh * 2, np.float32)
    return instances(xywh_to_xyxy(boxes[chosen] * scale), scores, class_ids,
                     np.eye(len(masks), dtype=np.float32)[chosen], masks, letterbox, thresholds,
                     suppress=False)


_OWN_ROW = """
__device__ float extra(Reader& in, int row, int index) { return (float)row; }
"""


def masks_on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding; masks are computed on the host."""
    return DeviceCode(detr.SIGMOID_ROW + _OWN_ROW, network.shapes['logits'][1], NO_NMS,
                      extras=1, to_host=('masks',), finish=_finish)


def _finish(found: Detections, extras: NDArray[np.float32], outputs: Outputs,
            letterbox: Letterbox, options: Mapping[str, Any]) -> Instances:
    masks = outputs['masks'][0]
    own = np.eye(len(masks), dtype=np.float32)[extras[:, 0].astype(np.intp)]
    return with_masks(found, own, masks, letterbox)


_OUTPUTS = 'dets [1, queries, 4] and labels [1, queries, classes or classes + 1]'
BOXES = Head('rf_detr', ('detect',), 'candidates_final', _OUTPUTS, 'RF-DETR (Roboflow)',
             read_boxes, append_boxes, decode_boxes, needs='labels: 91 for COCO',
             on_device=detr.sigmoid_on_device)
MASKS = Head('rf_detr_masks', ('segment',), 'segment_final',
             _OUTPUTS + ', masks [1, queries, height, width]', 'RF-DETR segmentation (Roboflow)',
             read_masks, append_masks, decode_masks, needs='task, labels',
             on_device=masks_on_device)
