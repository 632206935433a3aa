# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task segment: `detections`, and `mask` with the detection's `id` in each pixel.

0 is background. With tracking the `id` is the track ID. The mask is `mono8` without tracking if
`max_detections` is at most 255, else `mono16`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.tasks import detect
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.tasks.segment import Instances


def publish(publishers: Publishers, result: Instances, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish boxes, then the mask."""
    detections = result.detections
    ids = [str(index + 1) for index in range(len(detections))]
    if seen.tracks:
        ids = seen.tracks.update(detections, stamp_ns(header), seen.image_bgr)
    small = style.max_detections <= 255 and not seen.tracks
    # Detections without a track ID are background.
    numbers = np.array([0, *(int(text or 0) for text in ids)], np.uint8 if small else np.uint16)
    publishers['detections'].publish(detections, header, style.class_ids, ids)
    pixels: Any = numbers[result.instance_map]
    publishers['mask'].publish(pixels, header, 'mono8' if small else 'mono16')


TASK = RosTask('segment', {**detect.TASK.topics, 'mask': IMAGE}, publish)
