# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Image and text classifiers: one output [1, classes] of probabilities or logits."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import ORDER
from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output, Outputs
from edge_trt_ros.vision.tasks.classify import best_classes, Classification
from edge_trt_ros.vision.thresholds import Thresholds

_OUTPUTS = 'one output [1, classes] of 2 classes at least'
# Independent classes end in sigmoids: these are scores too, but they do not add up to 1.
_ACTIVATIONS = {'Softmax', 'Sigmoid'}


def _read(network: Network) -> list[Reading]:
    output = network.outputs[0] if len(network.outputs) == 1 else None
    if output is None or not all_float_and_fixed(network) or len(output.shape) != 2 \
            or output.shape[0] != 1 or output.shape[1] < 2:
        return []
    # Trainers resize the shorter side with Pillow and crop the centre; Ultralytics stretches to an
    # input that is not square.
    square = network.size_wh[0] == network.size_wh[1]
    return [Reading(output.shape[1], output.shape[1], {'output': output},
                    {'fit': 'crop' if square else 'squash', 'resize': 'pillow'})]


def _ends_in_probabilities(network: Network) -> bool:
    return bool(network.outputs) and network.makers(
        [network.outputs[0].name]) in [{activation} for activation in _ACTIVATIONS]


def read_scores(network: Network) -> list[Reading]:
    """Return the reading of a network that ends in a softmax or sigmoids."""
    return _read(network) if _ends_in_probabilities(network) else []


def read_logits(network: Network) -> list[Reading]:
    """Return the reading of a network that ends in another operator."""
    return [] if _ends_in_probabilities(network) else _read(network)


def append_scores(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                  kept: int) -> None:
    """Append the selection of the best classes."""
    order = tail.node('TopK', [raw['output'], tail.ints(kept)], 'scores', ORDER, axis=1)
    tail.cast(order, 'int32', 'class_ids')


def append_logits(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int],
                  kept: int) -> None:
    """Append a softmax and the selection of the best classes."""
    append_scores(tail, found, {'output': tail.node('Softmax', [raw['output']], axis=1)},
                  size_wh, kept)


def decode_scores(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds
                  ) -> Classification:
    """Decode probabilities."""
    scores = only_output(outputs, 2)[0]
    return best_classes(scores, np.arange(len(scores)), thresholds)


def decode_logits(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds
                  ) -> Classification:
    """Decode logits with a softmax."""
    logits = only_output(outputs, 2)[0]
    exponentials = np.exp(logits - logits.max())
    return best_classes(exponentials / exponentials.sum(), np.arange(len(logits)), thresholds)


SCORES = Head('classify_scores', ('classify', 'text'), 'classify', _OUTPUTS,
              'classifiers that end in a softmax or sigmoids', read_scores, append_scores,
              decode_scores, needs='task; tokenizer.json for texts')
LOGITS = Head('classify_logits', ('classify', 'text'), 'classify', _OUTPUTS,
              'classifiers that end in logits', read_logits, append_logits, decode_logits,
              needs='task; tokenizer.json for texts')
