# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task detect: `detections`; with tracking each detection has a track ID."""

from __future__ import annotations

from std_msgs.msg import Header

from edge_trt_ros.ros.messages.detections import DETECTIONS
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.detections import Detections


def publish(publishers: Publishers, result: Detections, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish boxes."""
    ids = seen.tracks.update(result, stamp_ns(header), seen.image_bgr) if seen.tracks else ()
    publishers['detections'].publish(result, header, style.class_ids, ids)


TASK = RosTask('detect', {'detections': DETECTIONS}, publish)
