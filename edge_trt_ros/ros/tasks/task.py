# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A task's topics, and how its results are published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from std_msgs.msg import Header

from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.vision.tracking import TrackIds

Publishers = Mapping[str, TopicPublisher]


@dataclass(frozen=True)
class MessageStyle:
    """
    How results are converted to messages.

    :param labels: class names; the index is the class.
    :param class_ids: text of `class_id` for each class: its label, or its index.
    :param max_detections: maximum number of detections per image.
    :param mask_resolution: resolution of a semantic mask: 'source' or 'network'.
    """

    labels: Sequence[str]
    class_ids: Sequence[str]
    max_detections: int
    mask_resolution: str


Publish = Callable[[Publishers, Any, Header, MessageStyle, TrackIds | None], None]


@dataclass(frozen=True)
class RosTask:
    """
    A task's topics and its publish function.

    :param name: as in `vision.tasks.TASKS`.
    :param topics: how values become messages of each topic.
    :param publish: publishes a result; arguments: publishers by topic, result, header of the
        image (passed on unchanged), style, tracks or None.
    """

    name: str
    topics: Mapping[str, MessageForm]
    publish: Publish
