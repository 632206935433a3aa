# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task semantic: `mask`, the class index of each pixel as in `label_info`, and `mask_color`.

`mask_color` is for visualisation and computed only if it has subscribers. The mask is `mono8` up
to 256 classes, else `mono16`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask
from edge_trt_ros.vision.drawing import class_palette_bgr
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.tracking import TrackIds


def publish(publishers: Publishers, result: ClassMap, header: Header, style: MessageStyle,
            tracks: TrackIds | None) -> None:
    """Publish the mask."""
    small = len(style.labels) <= 256
    classes = (result.in_source_resolution() if style.mask_resolution == 'source'
               else result.in_network_resolution())
    pixels: Any = np.ascontiguousarray(classes, np.uint8 if small else np.uint16)
    publishers['mask'].publish(pixels, header, 'mono8' if small else 'mono16')
    if publishers['mask_color'].get_subscription_count():
        publishers['mask_color'].publish(
            class_palette_bgr(len(style.labels))[classes], header, 'bgr8')


TASK = RosTask('semantic', {'mask': IMAGE, 'mask_color': IMAGE}, publish)
