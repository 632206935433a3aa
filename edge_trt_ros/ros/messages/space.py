# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts 3D boxes to vision_msgs and point clouds."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Vector3
import numpy as np
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox3D, Detection2D, Detection2DArray, Detection3D
from vision_msgs.msg import Detection3DArray, ObjectHypothesisWithPose

from edge_trt_ros.vision.space import SpaceBox

# Finer than the cells of a costmap.
_POINT_SPACING_M, _MAX_POINTS = 0.04, 100


def detections_3d_message(detections: Detection2DArray, boxes: Sequence[SpaceBox | None]
                          ) -> Detection3DArray:
    """
    Return the detections that have a 3D box.

    :param detections: detections in the image; header, ID, class and score are passed on.
    :param boxes: the 3D box of each detection, or None.
    """
    return Detection3DArray(header=detections.header, detections=[
        _detection_3d(detection, box) for detection, box in zip(detections.detections, boxes)
        if box is not None])


def obstacles_message(header: Header, boxes: Sequence[SpaceBox | None]) -> PointCloud2:
    """
    Return points across the front of each object, for Nav2's costmap layers.

    :param header: header of the detections.
    :param boxes: the 3D box of each detection, or None.
    """
    rows = [np.zeros((0, 3), np.float32)]
    for box in boxes:
        if box is None:
            continue
        (x, y, z), width = box.center_xyz, box.size_xyz[0]
        count = min(max(int(np.ceil(width / _POINT_SPACING_M)) + 1, 2), _MAX_POINTS)
        across = np.full((count, 3), (x, y, z), np.float32)
        across[:, 0] = np.linspace(x - width / 2, x + width / 2, count)
        rows.append(across)
    points = np.concatenate(rows)
    return PointCloud2(
        header=header, height=1, width=len(points), is_dense=True, point_step=12,
        row_step=12 * len(points), data=points.tobytes(),
        fields=[PointField(name=name, offset=4 * index, datatype=PointField.FLOAT32, count=1)
                for index, name in enumerate('xyz')])


def _detection_3d(detection: Detection2D, box: SpaceBox) -> Detection3D:
    center = Pose(position=Point(**dict(zip('xyz', box.center_xyz))))
    pose = PoseWithCovariance(pose=center)
    pose.covariance[14] = box.sigma_m ** 2  # variance of z
    return Detection3D(
        header=detection.header, id=detection.id,
        results=[ObjectHypothesisWithPose(hypothesis=result.hypothesis, pose=pose)
                 for result in detection.results],
        bbox=BoundingBox3D(center=center, size=Vector3(**dict(zip('xyz', box.size_xyz)))))
