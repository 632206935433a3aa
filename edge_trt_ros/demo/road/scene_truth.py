# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compute the true boxes of the objects in front of a camera."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge_trt_ros.demo.road.stage import Stage
from edge_trt_ros.demo.road.truth import Truth

# Objects of this class hide others, but are not part of the truth.
NO_CLASS = -1

_MIN_VISIBLE_PX = 12


def truth_from_stage(stage: Stage, class_ids: Sequence[int]) -> Truth:
    """
    Return the tight box and the visible fraction of each object with enough visible pixels.

    The box spans the pixels that neither a nearer object nor the edge of the image hides. The
    fraction is their share of the whole silhouette, including the part outside the image.

    :param stage: the objects, at most 255.
    :param class_ids: class of each, or `NO_CLASS`.
    """
    width, height = stage.size_wh
    identities = np.zeros((height, width), np.uint8)
    labels = [number if class_id != NO_CLASS else 0
              for number, class_id in enumerate(class_ids, 1)]
    areas = stage.mark(identities, labels)
    boxes, classes, visibility = [], [], []
    for number, label in enumerate(labels):
        if not label or stage.is_outside(number):
            continue
        seen, x0, y0 = stage.seen(identities, number, label)
        pixels = cv2.countNonZero(seen)
        if pixels < _MIN_VISIBLE_PX:
            continue
        left, top, wide, high = cv2.boundingRect(seen)
        boxes.append((x0 + left, y0 + top, x0 + left + wide, y0 + top + high))
        classes.append(class_ids[number])
        whole = stage.area_px(number) if stage.is_cut(number) else areas[number]
        visibility.append(min(1.0, pixels / max(whole, 1.0)))
    return Truth(np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int64),
                 np.array(visibility, np.float32))
