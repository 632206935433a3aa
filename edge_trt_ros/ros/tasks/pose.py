# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task pose: `detections`, and `keypoints` as an organised point cloud."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from edge_trt_ros.ros.tasks import detect
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.tracking import TrackIds


def publish(publishers: Publishers, result: Detections, header: Header, style: MessageStyle,
            tracks: TrackIds | None) -> None:
    """Publish boxes, then their keypoints."""
    detect.publish(publishers, result, header, style, tracks)
    if result.keypoints is not None:
        publishers['keypoints'].publish(keypoints_message(result.keypoints, header))


def keypoints_message(keypoints: NDArray[np.float32], header: Header) -> PointCloud2:
    """
    Return the keypoints of an image as an organised point cloud.

    Row i belongs to detection i of `detections` with the same header. Column k is keypoint k in
    the order of the training data. Fields, float32 each: `x` and `y` in pixels of the image (not
    metres), `score` from 0 to 1.

    :param keypoints: float32 (objects, keypoints, 3): x, y, score.
    :param header: the image's header, passed on unchanged.
    """
    rows, columns, numbers = keypoints.shape
    message = PointCloud2(
        header=header, height=rows, width=columns, is_bigendian=False, point_step=4 * numbers,
        row_step=4 * numbers * columns, is_dense=True, fields=[
            PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
            for index, name in enumerate(('x', 'y', 'score'))])
    message.data.frombytes(np.ascontiguousarray(keypoints, '<f4').tobytes())
    return message


TASK = RosTask('pose', {**detect.TASK.topics, 'keypoints': PointCloud2}, publish)
