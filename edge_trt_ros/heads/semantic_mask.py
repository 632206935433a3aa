# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Masks of one class (lanes, cracks, text regions): one output [1, 1, height, width] of floats.

It ends in a sigmoid, or in the logits of a convolution; the operators tell which.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.head import (Given, Head, Network, only_output as only_float, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.heads.labels import trusted_labels
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output, Outputs
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.thresholds import Thresholds

# Operators that end in logits: the last convolution, and its enlargement.
_LOGITS = {'Conv', 'ConvTranspose', 'Resize', 'Upsample', 'Add'}
_BACKGROUND = 'background'


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one map of probabilities or logits."""
    output = only_float(network, 4)
    if output is None or output.shape[1] != 1:
        return []
    makers = network.makers([output.name])
    if makers != {'Sigmoid'} and not (makers and makers <= _LOGITS):
        return []
    limit = 0.5 if makers == {'Sigmoid'} else 0.0
    return [Reading(0, 1, {'output': output}, options={'limit': limit})]


def complete(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    """
    Name the background and the class; one label names the class.

    :raises ModelError: for more than two labels.
    """
    labels = trusted_labels(network.metadata, given.labels)
    if len(labels) > 2:
        raise ModelError(f'{len(labels)} labels are stated, but the head has one class besides '
                         'the background: give its label', code='labels_mismatch')
    return replace(found, labels=labels if len(labels) == 2 else (
        _BACKGROUND, *(labels or ('foreground',))))


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the comparison with the limit."""
    above = tail.node('Greater', [raw['output'], tail.constant(
        np.array(found.reading.options['limit'], np.float32))])
    tail.node('Squeeze', [tail.cast(above, 'int32'), tail.ints(1)], 'class_map')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, limit: float = 0.0
           ) -> ClassMap:
    """
    Return 1 where the network's value is above the limit, else 0.

    :param limit: 0.5 for probabilities, 0 for logits.
    """
    return ClassMap((only_output(outputs, 4)[0, 0] > limit).astype(np.uint16), letterbox)


HEAD = Head('semantic_mask', ('semantic',), 'semantic',
            'one output [1, 1, height, width] of a sigmoid or logits',
            'masks of one class: lanes, cracks, text regions', read, append, decode,
            needs='task', complete=complete)
