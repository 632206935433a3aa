"""Draws what a network of any task found, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.class_map import ClassMap
from edge_trt_ros.vision.classification import Classification
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances
from edge_trt_ros.vision.overlay import class_color_bgr, draw_detections

_FONT = cv2.FONT_HERSHEY_DUPLEX


def draw_result(image_bgr: NDArray[np.uint8], result: Result, labels: Sequence[str]
                ) -> NDArray[np.uint8]:
    """
    Draw a result into an image.

    :param image_bgr: uint8 (H, W, 3), contiguous; drawn into.
    :param result: what to draw, of this image. Raw tensors draw nothing.
    :param labels: class names; the index is the class.
    :returns: the same image.
    """
    if isinstance(result, Detections):
        draw_detections(image_bgr, result, labels)
    elif isinstance(result, Instances):
        colors = class_palette_bgr(len(result.detections) + 1)[result.instance_map]
        shown = result.instance_map > 0
        image_bgr[shown] = image_bgr[shown] // 2 + colors[shown] // 2
        draw_detections(image_bgr, result.detections, labels)
    elif isinstance(result, Classification):
        _draw_classification(image_bgr, result, labels)
    elif isinstance(result, ClassMap):
        colors = class_palette_bgr(len(labels))[result.in_source_resolution()]
        cv2.addWeighted(image_bgr, 0.5, colors, 0.5, 0, dst=image_bgr)
    return image_bgr


@lru_cache(maxsize=4)
def class_palette_bgr(classes: int) -> NDArray[np.uint8]:
    """Return the colour of each class, uint8 (classes, 3); not to be modified."""
    return np.array([class_color_bgr(index) for index in range(classes)], np.uint8)


def _draw_classification(image_bgr: NDArray[np.uint8], classification: Classification,
                         labels: Sequence[str]) -> None:
    size = max(0.35, image_bgr.shape[0] / 900)
    line = round(34 * size)
    for row, (class_id, score) in enumerate(zip(classification.class_ids.tolist(),
                                                classification.scores.tolist()), 1):
        text = f'{labels[class_id]} {score:.2f}'
        for color, thickness in (((20, 20, 20), 3), (class_color_bgr(class_id), 1)):
            cv2.putText(image_bgr, text, (line // 2, line * row), _FONT, size, color, thickness,
                        cv2.LINE_AA)
