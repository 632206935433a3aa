# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Task depth: `depth/image` in metres with `depth/camera_info`, or `depth/relative`.

Both images are 32FC1. NaN is a pixel without depth (REP 118). Relative depth has a topic of its
own, since every subscriber takes `depth/image` for metres.
"""

from __future__ import annotations

from typing import Any

from std_msgs.msg import Header

from edge_trt_ros.ros.messages.camera_info import CAMERA_INFO
from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.vision.tasks.depth import DepthMap


def publish(publishers: Publishers, result: DepthMap, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish the depth, and the calibration of its pixels if the camera has one."""
    values: Any = (result.in_source_resolution() if style.mask_resolution == 'source'
                   else result.in_network_resolution())
    if not result.is_metric:
        publishers['depth/relative'].publish(values, header, '32FC1')
        return
    publishers['depth/image'].publish(values, header, '32FC1')
    if seen.camera_info is not None:
        publishers['depth/camera_info'].publish(
            seen.camera_info, header, (values.shape[1], values.shape[0]))


TASK = RosTask('depth', {'depth/image': IMAGE, 'depth/camera_info': CAMERA_INFO,
                         'depth/relative': IMAGE}, publish, reads_camera_info=True)
