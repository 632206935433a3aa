# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Draws boxes with labels into images, and defines the colours of classes."""

from __future__ import annotations

from collections.abc import Sequence
import colorsys
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.label_places import place_labels
from edge_trt_ros.vision.oriented import oriented_corners

_SHOWN_KEYPOINT_SCORE = 0.5
FONT = cv2.FONT_HERSHEY_DUPLEX


def draw_detections(image_bgr: NDArray[np.uint8], detections: Detections,
                    labels: Sequence[str]) -> NDArray[np.uint8]:
    """
    Draw boxes with label and score into an image.

    :param image_bgr: uint8 (H, W, 3), contiguous; drawn into.
    :param detections: what to draw, in this image's pixels.
    :param labels: class names; the index is the class.
    :returns: the same image.
    """
    thickness = max(1, round(image_bgr.shape[0] / 360))
    # The best detection is drawn last, on top.
    for index in range(len(detections) - 1, -1, -1):
        color = class_color_bgr(int(detections.class_ids[index]))
        if detections.angles_rad is None:
            left, top, right, bottom = _whole(detections.boxes_xyxy[index])
            cv2.rectangle(image_bgr, (left, top), (right, bottom), color, thickness, cv2.LINE_AA)
        else:
            cv2.polylines(image_bgr, [_corners(detections, index).round().astype(np.int32)], True,
                          color, thickness, cv2.LINE_AA)
        if detections.keypoints is not None:
            for x, y, score in detections.keypoints[index].tolist():
                if score >= _SHOWN_KEYPOINT_SCORE:
                    cv2.circle(image_bgr, (round(x), round(y)), 2 * thickness, color, cv2.FILLED,
                               cv2.LINE_AA)
    _draw_labels(image_bgr, detections, labels)
    return image_bgr


def jpeg_bytes(image_bgr: NDArray[np.uint8]) -> bytes:
    """Return an image, uint8 (H, W, 3) BGR, as a JPEG."""
    return bytes(cv2.imencode('.jpg', image_bgr)[1])


def _draw_labels(image_bgr: NDArray[np.uint8], detections: Detections, labels: Sequence[str]
                 ) -> None:
    """Write the labels after all boxes; the best detections choose their places first."""
    height, width = image_bgr.shape[:2]
    scale = max(0.35, height / 1500)
    texts = [f'{labels[class_id] if class_id < len(labels) else class_id} {score:.2f}'
             for class_id, score in zip(detections.class_ids.tolist(),
                                        detections.scores.tolist())]
    extents = [cv2.getTextSize(text, FONT, scale, 1) for text in texts]
    anchors = [_whole(detections.boxes_xyxy[index]) if detections.angles_rad is None
               else _whole(np.concatenate([_corners(detections, index).min(0),
                                           _corners(detections, index).max(0)]))
               for index in range(len(detections))]
    places = place_labels(anchors, [(size[0] + 4, size[1] + 2 * drop) for size, drop in extents],
                          (width, height))
    for text, (_, drop), place, class_id in zip(texts, extents, places,
                                                detections.class_ids.tolist()):
        if place is None:
            continue
        left, top, right, bottom = place
        color = class_color_bgr(class_id)
        cv2.rectangle(image_bgr, (left, top), (right - 1, bottom - 1), color, cv2.FILLED)
        ink = (20, 20, 20) if sum(color) > 330 else (245, 245, 245)
        cv2.putText(image_bgr, text, (left + 2, bottom - drop), FONT, scale, ink, 1, cv2.LINE_AA)


def _whole(box: NDArray[Any]) -> tuple[int, int, int, int]:
    left, top, right, bottom = box.round().astype(int).tolist()
    return left, top, right, bottom


def _corners(detections: Detections, index: int) -> NDArray[Any]:
    angles_rad = detections.angles_rad
    if angles_rad is None:
        raise ValueError('the detections have no angles')
    corners: NDArray[Any] = oriented_corners(
        detections.boxes_xyxy[index:index + 1], angles_rad[index:index + 1])[0]
    return corners


def class_color_bgr(class_id: int) -> tuple[int, int, int]:
    """Return the colour of a class: hues in steps of the golden ratio."""
    red, green, blue = colorsys.hsv_to_rgb((0.55 + class_id * 0.618034) % 1.0, 0.65, 0.95)
    return round(blue * 255), round(green * 255), round(red * 255)


@lru_cache(maxsize=4)
def class_palette_bgr(classes: int) -> NDArray[np.uint8]:
    """Return the colour of each class, uint8 (classes, 3); not to be modified."""
    return np.array([class_color_bgr(index) for index in range(classes)], np.uint8)
