# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Draws boxes with labels into images, and defines the colours of classes."""

from __future__ import annotations

from collections.abc import Sequence
import colorsys
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
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
    height, image_width = image_bgr.shape[:2]
    thickness = max(1, round(height / 360))
    font_scale = max(0.35, height / 1500)
    # The best detection is drawn last, on top.
    for index in range(len(detections) - 1, -1, -1):
        left, top, right, bottom = detections.boxes_xyxy[index].round().astype(int).tolist()
        class_id = int(detections.class_ids[index])
        color = class_color_bgr(class_id)
        if detections.angles_rad is None:
            cv2.rectangle(image_bgr, (left, top), (right, bottom), color, thickness, cv2.LINE_AA)
        else:
            corners = oriented_corners(detections.boxes_xyxy[index:index + 1],
                                       detections.angles_rad[index:index + 1])[0]
            cv2.polylines(image_bgr, [corners.round().astype(np.int32)], True, color, thickness,
                          cv2.LINE_AA)
            left, top = corners[corners[:, 1].argmin()].round().astype(int).tolist()
        if detections.keypoints is not None:
            for x, y, score in detections.keypoints[index].tolist():
                if score >= _SHOWN_KEYPOINT_SCORE:
                    cv2.circle(image_bgr, (round(x), round(y)), 2 * thickness, color, cv2.FILLED,
                               cv2.LINE_AA)
        label = labels[class_id] if class_id < len(labels) else str(class_id)
        text = f'{label} {detections.scores[index]:.2f}'
        (width, rise), drop = cv2.getTextSize(text, FONT, font_scale, 1)
        base = max(top - drop, rise + drop)
        edge = max(min(left, image_width - width - 4), 0)
        cv2.rectangle(image_bgr, (edge, base - rise - drop), (edge + width + 4, base + drop),
                      color, cv2.FILLED)
        ink = (20, 20, 20) if sum(color) > 330 else (245, 245, 245)
        cv2.putText(image_bgr, text, (edge + 2, base), FONT, font_scale, ink, 1, cv2.LINE_AA)
    return image_bgr


def class_color_bgr(class_id: int) -> tuple[int, int, int]:
    """Return the colour of a class: hues in steps of the golden ratio."""
    red, green, blue = colorsys.hsv_to_rgb((0.55 + class_id * 0.618034) % 1.0, 0.65, 0.95)
    return round(blue * 255), round(green * 255), round(red * 255)


@lru_cache(maxsize=4)
def class_palette_bgr(classes: int) -> NDArray[np.uint8]:
    """Return the colour of each class, uint8 (classes, 3); not to be modified."""
    return np.array([class_color_bgr(index) for index in range(classes)], np.uint8)
