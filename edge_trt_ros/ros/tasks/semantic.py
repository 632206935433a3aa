# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task semantic: `mask`, the class index of each pixel as in `label_info`, and its `confidence`.

`mask_color` is for visualisation. It and `confidence` are computed only for subscribers. The mask
is `mono8` up to 256 classes, else `mono16`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.vision.drawing import class_palette_bgr
from edge_trt_ros.vision.tasks.semantic import ClassMap


def publish(publishers: Publishers, result: ClassMap, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish the mask."""
    small = len(style.labels) <= 256
    classes = result.at(style.mask_resolution, result.classes)
    pixels: Any = np.ascontiguousarray(classes, np.uint8 if small else np.uint16)
    publishers['mask'].publish(pixels, header, 'mono8' if small else 'mono16')
    if result.confidence is not None and publishers['confidence'].get_subscription_count():
        confidence: Any = np.ascontiguousarray(
            result.at(style.mask_resolution, np.rint(result.confidence * 255).astype(np.uint8)))
        publishers['confidence'].publish(confidence, header, 'mono8')
    if publishers['mask_color'].get_subscription_count():
        publishers['mask_color'].publish(
            class_palette_bgr(len(style.labels))[classes], header, 'bgr8')


TASK = RosTask('semantic', {'mask': IMAGE, 'confidence': IMAGE, 'mask_color': IMAGE}, publish)
