# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics segmentation: dense rows with mask coefficients, and mask prototypes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads.appending import append_dense_with
from edge_trt_ros.heads.box_units import final_rows
from edge_trt_ros.heads.decoding import finite_outputs
from edge_trt_ros.heads.device import dense_code, DeviceCode, DeviceNetwork
from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.tasks.segment import Instances, instances, with_masks
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network that returns anchors and prototypes, in this order."""
    if [len(output.shape) for output in network.outputs] != [3, 4] \
            or not all_float_and_fixed(network):
        return []
    anchors, prototypes = network.outputs
    classes = anchors.shape[1] - 4 - prototypes.shape[1]
    if anchors.shape[0] != 1 or prototypes.shape[0] != 1 or classes < 1 \
            or final_rows(network, prototypes.shape[1]):
        return []
    return [Reading(classes, anchors.shape[2], {'anchors': anchors, 'prototypes': prototypes})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    extra = append_dense_with(tail, raw['anchors'], found.shape('anchors')[1], kept,
                              found.shape('prototypes')[1])
    tail.node('Identity', [extra], 'coefficients')
    tail.node('Identity', [raw['prototypes']], 'prototypes')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Instances:
    """Decode [1, 4 + classes + coefficients, anchors] and [1, coefficients, h, w]."""
    raw, prototypes = finite_outputs(outputs, 'anchors', 'prototypes')
    end = len(raw) - len(prototypes)
    scores = raw[4:end].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return instances(xywh_to_xyxy(raw[:4, chosen].T), scores[chosen],
                     raw[4:end, chosen].argmax(0), raw[end:, chosen].T, prototypes, letterbox,
                     thresholds)


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding; masks are computed on the host."""
    return dense_code(network, 'anchors', extras=network.shapes['prototypes'][1],
                      to_host=('prototypes',), finish=_finish)


def _finish(found: Detections, extras: NDArray[np.float32], outputs: Outputs,
            letterbox: Letterbox, options: Mapping[str, Any]) -> Instances:
    return with_masks(found, extras, outputs['prototypes'][0], letterbox)


HEAD = Head('yolo_segment', ('segment',), 'segment',
            '[1, 4 + classes + coefficients, anchors] and [1, coefficients, height, width]',
            'Ultralytics segmentation', read, append, decode, on_device=on_device)
