# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks classify and text: the class of a whole image or text."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.drawing import class_color_bgr, FONT
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, Outputs
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class Classification:
    """
    The most likely classes of one image or text.

    :param class_ids: int64 (k,), index into the labels.
    :param scores: float32 (k,), 0 to 1, descending.
    """

    class_ids: NDArray[np.int64]
    scores: NDArray[np.float32]


def classify(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Classification:
    """Decode the outputs of a fused head: `scores` [1, K] and `class_ids` [1, K]."""
    named = named_outputs(outputs, scores=2, class_ids=2, checksum=1)
    return best_classes(named['scores'][0], named['class_ids'][0].astype(np.int64), thresholds)


def best_classes(scores: NDArray[Any], class_ids: NDArray[np.int64], thresholds: Thresholds
                 ) -> Classification:
    """
    Return the `top_k` classes with the highest scores.

    :param scores: float (n,).
    :param class_ids: int64 (n,).
    :param thresholds: classes to keep, and how many.
    """
    if thresholds.class_ids is not None:
        wanted = np.isin(class_ids, tuple(thresholds.class_ids))
        scores, class_ids = scores[wanted], class_ids[wanted]
    order = np.argsort(-scores, kind='stable')[:thresholds.top_k]
    return Classification(class_ids[order], scores[order].astype(np.float32))


def draw(image_bgr: NDArray[np.uint8], result: Classification, labels: Labels) -> None:
    """Write label and score of each class into an image."""
    size = max(0.35, image_bgr.shape[0] / 900)
    line = round(34 * size)
    for row, (class_id, score) in enumerate(zip(result.class_ids.tolist(),
                                                result.scores.tolist()), 1):
        text = f'{labels[class_id]} {score:.2f}'
        for color, thickness in (((20, 20, 20), 3), (class_color_bgr(class_id), 1)):
            cv2.putText(image_bgr, text, (line // 2, line * row), FONT, size, color, thickness,
                        cv2.LINE_AA)


def describe(result: Classification, labels: Labels) -> dict[str, Any]:
    """Return a result as plain values for JSON."""
    return {'classes': [
        {'label': labels[class_id], 'class_id': class_id, 'score': round(score, 4)}
        for class_id, score in zip(result.class_ids.tolist(), result.scores.tolist())]}


TASK = Task('classify', (OutputFormat('classify', {
    'scores': (1, 'K'), 'class_ids': (1, 'K'), 'checksum': (1,)}, classify),), draw, describe)
TEXT = replace(TASK, name='text', reads_text=True)
