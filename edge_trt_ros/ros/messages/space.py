# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts 3D boxes to vision_msgs and point clouds."""

from __future__ import annotations

from collections.abc import Sequence

from geometry_msgs.msg import Point, Pose, PoseWithCovariance, Vector3
import numpy as np
from numpy.typing import NDArray
from vision_msgs.msg import BoundingBox3D, Detection2D, Detection2DArray, Detection3D
from vision_msgs.msg import Detection3DArray, ObjectHypothesis, ObjectHypothesisWithPose

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm, probe_header
from edge_trt_ros.vision.space import SpaceBox

# Finer than the cells of a costmap.
_POINT_SPACING_M, _MAX_POINTS = 0.04, 100
_NOT_ROTATED = (0.0, 0.0, 0.0, 1.0)


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


def detections_3d_cdr(detections: Detection2DArray, boxes: Sequence[SpaceBox | None]) -> bytes:
    """Return the detections that have a 3D box as bytes; arguments of `detections_3d_message`."""
    writer = CdrWriter()
    writer.header(detections.header)
    writer.numbers('I', len(boxes) - boxes.count(None))
    for detection, box in zip(detections.detections, boxes):
        if box is not None:
            _write_detection_3d(writer, detection, box)
    return writer.message()


def obstacle_points(boxes: Sequence[SpaceBox | None]) -> NDArray[np.float32]:
    """
    Return points across the front of each object, for Nav2's costmap layers.

    :param boxes: the 3D box of each detection, or None.
    :returns: float32 (1, n, 3), metres.
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
    return np.concatenate(rows)[None]


def _detection_3d(detection: Detection2D, box: SpaceBox) -> Detection3D:
    center = Pose(position=Point(**dict(zip('xyz', box.center_xyz))))
    pose = PoseWithCovariance(pose=center)
    pose.covariance[14] = box.sigma_m ** 2  # variance of z
    return Detection3D(
        header=detection.header, id=detection.id,
        results=[ObjectHypothesisWithPose(hypothesis=result.hypothesis, pose=pose)
                 for result in detection.results],
        bbox=BoundingBox3D(center=center, size=Vector3(**dict(zip('xyz', box.size_xyz)))))


def _write_detection_3d(writer: CdrWriter, detection: Detection2D, box: SpaceBox) -> None:
    pose = (*box.center_xyz, *_NOT_ROTATED)
    covariance = [0.0] * 36
    covariance[14] = box.sigma_m ** 2  # variance of z
    writer.header(detection.header)
    writer.numbers('I', len(detection.results))
    for result in detection.results:
        writer.text(result.hypothesis.class_id)
        writer.numbers('d', result.hypothesis.score, *pose, *covariance)
    writer.numbers('d', *pose, *box.size_xyz)
    writer.text(detection.id)


def _probe() -> tuple[Detection2DArray, list[SpaceBox | None]]:
    header = probe_header()
    results = [ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(class_id=name, score=0.5))
               for name in ('car', 'pedestrian')]
    box = SpaceBox((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), 0.5)
    return Detection2DArray(header=header, detections=[
        Detection2D(header=header, id=name, results=results) for name in ('1', '12345', '')
        ]), [box, None, box]


DETECTIONS_3D = MessageForm(
    Detection3DArray, detections_3d_message, detections_3d_cdr, _probe())
