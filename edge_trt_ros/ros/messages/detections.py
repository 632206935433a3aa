# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts detections and labels to vision_msgs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import numpy as np
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, LabelInfo
from vision_msgs.msg import ObjectHypothesis, ObjectHypothesisWithPose, Point2D, Pose2D
from vision_msgs.msg import VisionClass

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.detections_cdr import detections_cdr
from edge_trt_ros.ros.messages.form import MessageForm, probe_header
from edge_trt_ros.vision.boxes import xyxy_to_xywh
from edge_trt_ros.vision.detections import Detections

# Shared by all detections: creating its covariance costs more than the rest of a detection.
_NO_POSE = ObjectHypothesisWithPose().pose


def detections_message(detections: Detections, header: Header,
                       class_ids: Sequence[str], track_ids: Sequence[str] = ()
                       ) -> Detection2DArray:
    """
    Return detections as a message.

    :param detections: boxes in source pixels.
    :param header: the image's header, passed on unchanged.
    :param class_ids: text of `class_id` for each class, from `class_id_texts`.
    :param track_ids: the track ID of each detection; empty without tracking.
    """
    message = Detection2DArray(header=header)
    boxes_xywh = xyxy_to_xywh(detections.boxes_xyxy.astype(np.float64))
    angles = repeat(0.0) if detections.angles_rad is None else detections.angles_rad.tolist()
    centres, sizes = boxes_xywh[:, :2], boxes_xywh[:, 2:]
    message.detections = [
        Detection2D(
            header=header, id=track_id,
            results=[ObjectHypothesisWithPose(
                hypothesis=ObjectHypothesis(class_id=class_ids[class_id], score=score),
                pose=_NO_POSE)],
            bbox=BoundingBox2D(center=Pose2D(position=Point2D(x=x, y=y), theta=theta),
                               size_x=width, size_y=height))
        for (x, y), (width, height), score, class_id, track_id, theta in zip(
            centres.tolist(), sizes.tolist(), detections.scores.tolist(),
            detections.class_ids.tolist(), track_ids or repeat(''), angles)]
    return message


DETECTIONS = MessageForm(Detection2DArray, detections_message, detections_cdr, (
    Detections(np.array([[1, 2, 4, 8], [3, 5, 7, 11]], np.float32),
               np.array([0.5, 0.25], np.float32), np.array([1, 0]),
               angles_rad=np.array([0.5, -0.25], np.float32)),
    probe_header(), ('car', 'pedestrian'), ('1', '12345')))


def label_info_message(labels: Sequence[str], header: Header, threshold: float) -> LabelInfo:
    """Return a message with the label of each class index and the confidence threshold."""
    return LabelInfo(header=header, threshold=threshold, class_map=[
        VisionClass(class_id=index, class_name=label) for index, label in enumerate(labels)])


def label_info_cdr(labels: Sequence[str], header: Header, threshold: float) -> bytes:
    """Return labels as the bytes of a message; same arguments as `label_info_message`."""
    writer = CdrWriter()
    writer.header(header)
    writer.numbers('I', len(labels))
    for index, label in enumerate(labels):
        writer.numbers('H', index)
        writer.text(label)
    writer.numbers('f', threshold)
    return writer.message()


LABEL_INFO = MessageForm(LabelInfo, label_info_message, label_info_cdr, (
    ('car', 'pedestrian'), probe_header(), 0.25))


def class_id_texts(labels: Sequence[str], class_id_format: str) -> tuple[str, ...]:
    """Return the text of `class_id` for each class: its label or its index."""
    return tuple(map(str, range(len(labels)))) if class_id_format == 'index' else tuple(labels)
