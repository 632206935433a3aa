# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A task's topics, and how its results are published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.vision.trackers import ImageOfFrame, Tracks

Publishers = Mapping[str, TopicPublisher]


@dataclass(frozen=True)
class MessageStyle:
    """
    How results are converted to messages.

    :param labels: class names; the index is the class.
    :param class_ids: text of `class_id` for each class: its label, or its index.
    :param max_detections: maximum number of detections per image.
    :param mask_resolution: resolution of semantic masks and depth images: 'source' or 'network'.
    """

    labels: Sequence[str]
    class_ids: Sequence[str]
    max_detections: int
    mask_resolution: str


@dataclass(frozen=True)
class Seen:
    """
    What else is known of the input that a result belongs to.

    :param tracks: the tracks of this camera; None without tracking.
    :param camera_info: the last calibration of this camera; None if there is none.
    :param image_bgr: returns the image of the result; None if it has none.
    """

    tracks: Tracks | None = None
    camera_info: CameraInfo | None = None
    image_bgr: ImageOfFrame = lambda: None


Publish = Callable[[Publishers, Any, Header, MessageStyle, Seen], None]


@dataclass(frozen=True)
class RosTask:
    """
    A task's topics and its publish function.

    :param name: as in `vision.tasks.TASKS`.
    :param topics: how values become messages of each topic.
    :param publish: publishes a result; arguments: publishers by topic, result, header of the
        image (passed on unchanged), style, what else is known of the input.
    :param reads_camera_info: whether it needs the calibration of the camera.
    """

    name: str
    topics: Mapping[str, MessageForm]
    publish: Publish
    reads_camera_info: bool = False
