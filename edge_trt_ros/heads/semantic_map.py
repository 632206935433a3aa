# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Semantic segmentation whose graph ends in the class of each pixel: integers [1, h, w]."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads.head import (Head, INTEGERS, is_fixed, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.thresholds import Thresholds

_DTYPES = ('uint8', *INTEGERS)


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one map of integers; its labels tell the classes."""
    output = network.outputs[0] if len(network.outputs) == 1 else None
    if output is None or not (is_fixed(output, _DTYPES, 3) or is_fixed(output, _DTYPES, 4)
                              and output.shape[1] == 1):
        return []
    return [Reading(0, 1, {'output': output}, needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append a cast."""
    shape = tail.ints(1, *found.shape()[-2:])
    tail.node('Reshape', [tail.cast(raw['output'], 'int32'), shape], 'class_map')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> ClassMap:
    """Return the map."""
    raw = next(iter(outputs.values()))
    if raw.size != raw.shape[-2] * raw.shape[-1]:
        raise NetworkOutputError(f'the network returns {list(raw.shape)}, expected the map of one '
                                 'image: rebuild the engine')
    return ClassMap(raw.reshape(raw.shape[-2:]).astype(np.uint16), letterbox)


HEAD = Head('semantic_map', ('semantic',), 'semantic',
            'one output [1, height, width] of integers',
            'semantic segmentation of Ultralytics, and others that end in ArgMax', read, append,
            decode, needs='task, labels')
