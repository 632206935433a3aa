# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Semantic segmentation: one output [1, classes, height, width] of logits."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.box_units import STRETCHED
from edge_trt_ros.heads.detr import IMAGENET
from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output, Outputs
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.thresholds import Thresholds

# The second output helps the training only.
_TORCHVISION = {'out', 'aux'}


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one map per class; torchvision's have a second one."""
    by_name = {output.name: output for output in network.outputs}
    of_torchvision = set(by_name) <= _TORCHVISION and 'out' in by_name
    output = by_name['out'] if of_torchvision else network.outputs[0] \
        if len(network.outputs) == 1 else None
    if output is None or not all_float_and_fixed(network) or len(output.shape) != 4 \
            or output.shape[0] != 1 or not 2 <= output.shape[1] <= 65536:
        return []
    return [Reading(output.shape[1], output.shape[1], {'output': output},
                    {**IMAGENET, **STRETCHED} if of_torchvision else {})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the best class of each pixel and its probability."""
    tail.cast(tail.node('ArgMax', [raw['output']], axis=1, keepdims=0), 'int32', 'class_map')
    shares = tail.node('Softmax', [raw['output']], axis=1)
    tail.node('ReduceMax', [shares, tail.ints(1)], 'confidence', keepdims=0)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Decode logits: the class with the largest logit; the first of equal logits."""
    logits = only_output(outputs, 4)[0]
    confidence = 1 / np.exp(logits - logits.max(0)).sum(0)
    return ClassMap(logits.argmax(0).astype(np.uint16), letterbox, confidence.astype(np.float32))


HEAD = Head('semantic_logits', ('semantic',), 'semantic_scored',
            'one output [1, classes, height, width] of 2 classes at least',
            'semantic segmentation: SegFormer; DeepLabV3, LRASPP, FCN of torchvision', read,
            append, decode, needs='task')
