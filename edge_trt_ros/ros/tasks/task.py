"""What the nodes know of a task: its topics, and how a result is published on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from std_msgs.msg import Header

from edge_trt_ros.vision.tracking import TrackIds

Publishers = Mapping[str, Any]


@dataclass(frozen=True)
class MessageStyle:
    """
    How results are written into messages.

    :param labels: class names; the index is the class.
    :param class_ids: what `class_id` holds for each class: its label, or its index as text.
    :param max_detections: most detections of one image.
    :param mask_resolution: size of a semantic mask: 'source' or 'network'.
    """

    labels: Sequence[str]
    class_ids: Sequence[str]
    max_detections: int
    mask_resolution: str


Publish = Callable[[Publishers, Any, Header, MessageStyle, TrackIds | None], None]


@dataclass(frozen=True)
class RosTask:
    """
    A task, as the nodes know it.

    :param name: as in `vision.tasks.TASKS`.
    :param topics: message type of each topic.
    :param publish: publishes a result: (publishers by topic, result, the image's header, which
        is passed on as it is, style, tracks or None).
    """

    name: str
    topics: Mapping[str, Any]
    publish: Publish


def stamp_ns(header: Header) -> int:
    """Return the stamp of a header in nanoseconds."""
    return int(header.stamp.sec * 1_000_000_000 + header.stamp.nanosec)
