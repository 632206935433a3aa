# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""MaskFormer and Mask2Former: a class and a mask for each query, combined to a map of classes."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.decoding import finite_outputs, sigmoid, softmax
from edge_trt_ros.heads.detr import IMAGENET
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.thresholds import Thresholds

_CLASSES, _MASKS = 'class_queries_logits', 'masks_queries_logits'


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with the names of Hugging Face's Mask2Former."""
    by_name = {output.name: output for output in network.outputs}
    classes, masks = by_name.get(_CLASSES), by_name.get(_MASKS)
    if classes is None or masks is None or not is_fixed(classes, FLOATS, 3) \
            or not is_fixed(masks, FLOATS, 4) or classes.shape[1] != masks.shape[1] \
            or classes.shape[2] < 3:
        return []
    return [Reading(classes.shape[2] - 1, classes.shape[1], {'classes': classes, 'masks': masks},
                    {**IMAGENET, 'fit': 'squash'})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the sum of the masks, weighted by their classes."""
    _, queries, height, width = found.shape('masks')
    shares = tail.columns(tail.node('Softmax', [raw['classes']], axis=2), 0,
                          found.shape('classes')[2] - 1, 2)
    masks = tail.node('Reshape', [tail.node('Sigmoid', [raw['masks']]),
                                  tail.ints(1, queries, height * width)])
    by_class = tail.node('MatMul', [tail.node('Transpose', [shares], perm=[0, 2, 1]), masks])
    best = tail.node('ArgMax', [by_class], axis=1, keepdims=0)
    tail.node('Reshape', [tail.cast(best, 'int32'), tail.ints(1, height, width)], 'class_map')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Return the class with the largest sum over the queries: mask times share of the class."""
    classes, masks = finite_outputs(outputs, 'classes', 'masks')
    by_class = np.einsum('qc,qhw->chw', softmax(classes)[:, :-1], sigmoid(masks))
    return ClassMap(by_class.argmax(0).astype(np.uint16), letterbox)


HEAD = Head('mask_queries', ('semantic',), 'semantic',
            'class_queries_logits [1, queries, classes + 1] and '
            'masks_queries_logits [1, queries, height, width]',
            'MaskFormer, Mask2Former (Hugging Face)', read, append, decode, needs='task')
