# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Depth networks: one output [1, height, width] or [1, 1, height, width]."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.head import (all_float_and_fixed, Given, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_not_nan, Outputs
from edge_trt_ros.vision.tasks.depth import depth_map, DepthMap
from edge_trt_ros.vision.thresholds import Thresholds

# Of the metadata.
VALUES = 'edge_trt_ros.depth'
KINDS = ('metric', 'relative')
# Larger values are infinite: a checksum of many of them would be.
_INFINITE = 1e30


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one value for each pixel."""
    output = network.outputs[0] if len(network.outputs) == 1 else None
    if output is None or not all_float_and_fixed(network) or len(output.shape) not in (3, 4) \
            or output.shape[:-2] not in ((1,), (1, 1)) or min(output.shape[-2:]) < 2:
        return []
    # Their trainers stretch, as Ultralytics does, or need the aspect ratio of the input.
    return [Reading(0, output.shape[-2] * output.shape[-1], {'output': output},
                    {'fit': 'squash'})]


def complete(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    """
    Decide what the values are.

    :raises ModelError: if neither the metadata nor the user states it, or if it is unknown.
    """
    kind = given.depth or network.metadata.get(VALUES, '')
    if not kind and network.metadata.get('author') == 'Ultralytics':
        kind = 'metric'
    if kind not in KINDS:
        raise ModelError(
            f"the depth is {kind!r}, expected {' or '.join(KINDS)}" if kind else
            'nothing states whether the depth is in metres or relative: state --depth metric, or '
            '--depth relative for networks such as MiDaS, DPT and Depth Anything',
            code='depth_unstated')
    return replace(found, head=METRIC if kind == 'metric' else RELATIVE)


def prepare(tail: Tail, found: RecognisedHead, raw: Raw) -> Raw:
    """Replace infinite depths by 0; NaN stays, and fails the checksum."""
    magnitude = tail.node('Abs', [raw['output']])
    infinite = tail.node('Greater', [magnitude, tail.floats(_INFINITE)])
    return {'output': tail.node('Where', [infinite, tail.floats(0), raw['output']])}


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the name and shape of the depth."""
    tail.node('Reshape', [raw['output'], tail.ints(1, *found.shape()[-2:])], 'depth')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, is_metric: bool
           ) -> DepthMap:
    """Decode the output as the appended nodes do."""
    values = outputs['output'].reshape(outputs['output'].shape[-2:]).astype(np.float32)
    check_not_nan('output', values)
    return depth_map(np.where(np.abs(values) > _INFINITE, 0, values), letterbox, is_metric)


METRIC = Head('depth_metric', ('depth',), 'depth_metric',
              'one output [1, h, w] or [1, 1, h, w] of metres',
              'Ultralytics depth, metric Depth Anything', read, append,
              partial(decode, is_metric=True), needs='task; what the depth is, if not Ultralytics',
              prepare=prepare, complete=complete)
# Reads nothing itself: `complete` decides which of the two it is.
RELATIVE = replace(METRIC, name='depth_relative', decoder='depth_relative',
                   outputs='one output [1, h, w] or [1, 1, h, w], larger is nearer',
                   networks='MiDaS, DPT, Depth Anything', needs='task; depth: relative',
                   read=lambda network: (), decode=partial(decode, is_metric=False))
