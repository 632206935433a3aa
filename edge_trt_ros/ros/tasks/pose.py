# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task pose: `detections`, and `keypoints` as an organised point cloud.

Row i of `keypoints` belongs to detection i of `detections` with the same header. Column k is
keypoint k in the order of the training data. Fields, float32 each: `x` and `y` in pixels of the
image (not metres), `score` from 0 to 1.
"""

from __future__ import annotations

from std_msgs.msg import Header

from edge_trt_ros.ros.messages.points import POINTS
from edge_trt_ros.ros.tasks import detect
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.vision.detections import Detections


def publish(publishers: Publishers, result: Detections, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish boxes, then their keypoints."""
    detect.publish(publishers, result, header, style, seen)
    if result.keypoints is not None:
        publishers['keypoints'].publish(result.keypoints, header, ('x', 'y', 'score'))


TASK = RosTask('pose', {**detect.TASK.topics, 'keypoints': POINTS}, publish)
