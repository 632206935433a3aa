# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Functions that the NumPy decoders of several heads share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.selection import select
from edge_trt_ros.vision.thresholds import Thresholds

Floats = NDArray[np.float32]


def one_output(outputs: Outputs, expected: str, fits: Callable[[tuple[int, ...]], bool]
               ) -> Floats:
    """
    Return the only output, [1, n, m], without its batch: finite float32 (n, m).

    :param outputs: outputs by role.
    :param expected: description of the expected output, for the message.
    :param fits: returns whether a shape [1, n, m] matches the head.
    :raises NetworkOutputError: if there are several outputs, the shape does not match or a value
        is not finite.
    """
    shapes = {name: values.shape for name, values in outputs.items()}
    raw = next(iter(outputs.values())) if len(outputs) == 1 else None
    if raw is None or raw.ndim != 3 or raw.shape[0] != 1 or not fits(raw.shape):
        raise NetworkOutputError(f'the network returns {shapes}, expected one output of one image '
                                 f'with {expected}: rebuild the engine')
    # Convert before summing: NumPy sums float16 slowly. NaN and infinity are preserved.
    single: Floats = raw[0].astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), single)
    return single


def finite_outputs(outputs: Outputs, *names: str) -> list[Floats]:
    """
    Return outputs [1, ...] without their batch, as finite float32.

    :param outputs: outputs by role.
    :param names: roles to return, in this order.
    :raises NetworkOutputError: if a value is not finite.
    """
    found = [outputs[name][0].astype(np.float32, copy=False) for name in names]
    for name, values in zip(names, found):
        check_finite(name, values)
    return found


def best_of(by_class: Floats, thresholds: Thresholds
            ) -> tuple[NDArray[np.intp], Floats, NDArray[np.intp]]:
    """
    Return the indices of the rows above the threshold, and their best scores and classes.

    :param by_class: float (n, classes), scores.
    :param thresholds: what to keep.
    """
    scores = by_class.max(1)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return chosen, scores[chosen], by_class[chosen].argmax(1)


def detections(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
               letterbox: Letterbox, thresholds: Thresholds, suppress: bool) -> Detections:
    """Select detections from candidates; see `vision.selection.select`."""
    return select(boxes, scores, class_ids, letterbox, thresholds, suppress)[0]


def normalised_detections(boxes: Floats, by_class: Floats, letterbox: Letterbox,
                          thresholds: Thresholds) -> Detections:
    """
    Select detections from boxes whose centre and size are fractions of the network's input.

    :param boxes: float (n, 4), centre and size, 0 to 1.
    :param by_class: float (n, classes), scores.
    :param letterbox: maps network pixels back to the source image.
    :param thresholds: what to keep.
    """
    chosen, scores, class_ids = best_of(by_class, thresholds)
    scale = np.array(letterbox.network_size_wh * 2, np.float32)
    return detections(xywh_to_xyxy(boxes[chosen] * scale), scores, class_ids, letterbox,
                      thresholds, suppress=False)


def sigmoid(values: Floats) -> Floats:
    """Return the logistic function of values."""
    with np.errstate(over='ignore'):  # exp may overflow: 1 / infinity is the correct 0
        return np.asarray(1 / (1 + np.exp(-values)), np.float32)


def softmax(values: Floats) -> Floats:
    """Return the softmax of each row of values (n, m)."""
    exponentials = np.exp(values - values.max(1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(1, keepdims=True), np.float32)
