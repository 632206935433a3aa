# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The topics that are written into a bag: the results of a task, labels and drawings."""

from __future__ import annotations

from collections.abc import Sequence
import logging
import re
from typing import Any

import numpy as np
from rclpy.serialization import serialize_message
from std_msgs.msg import Header

from edge_trt_ros.errors import BagError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.ros.bags.bag_writer import BagWriter
from edge_trt_ros.ros.bags.task import BagTask
from edge_trt_ros.ros.messages.detections import class_id_texts, LABEL_INFO
from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.ros.messages.image import COMPRESSED_IMAGE
from edge_trt_ros.ros.tasks import MessageStyle, Seen, TASKS
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.vision.drawing import jpeg_bytes
from edge_trt_ros.vision.pixel_encodings import to_bgr
from edge_trt_ros.vision.tasks import Classification, Result, TASKS as VISION_TASKS
from edge_trt_ros.vision.tracking import TrackIds

_LOGGER = logging.getLogger(__name__)
_NAMESPACE = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)*')
LABELS, OVERLAY = 'label_info', 'overlay/compressed'


class _BagTopic:
    """A topic of a bag with the methods of a publisher of rclpy."""

    def __init__(self, writer: BagWriter, connection: Any) -> None:
        self._writer, self._connection = writer, connection
        self.stamp_ns = 0

    def publish(self, message: Any) -> None:
        """Write a message, as an object or as bytes, at `stamp_ns`."""
        self._writer.write(self._connection, self.stamp_ns, as_bytes(message))

    def get_subscription_count(self) -> int:
        """Return 0: topics that are made only for subscribers are not written."""
        return 0


class ResultTopics:
    """
    Writes results as the node publishes them.

    :param writer: the bag to write.
    :param manifest: manifest of the engine.
    :param task: what to do.
    :raises BagError: if the namespace is invalid.
    """

    def __init__(self, writer: BagWriter, manifest: EngineManifest, task: BagTask) -> None:
        check_namespace(task.namespace)
        self._writer, self._task = writer, task
        self._ros, self._vision = TASKS[manifest.task], VISION_TASKS[manifest.task]
        self._style = MessageStyle(manifest.labels, class_id_texts(manifest.labels, 'label'),
                                   task.thresholds.max_detections, 'source')
        self._tracks = TrackIds() if task.track and self._vision.has_boxes else None
        self._topics: list[_BagTopic] = []
        self._publishers = {name: self._publisher(name, form)
                            for name, form in self._ros.topics.items()}
        self._labels = self._publisher(LABELS, LABEL_INFO, latched=True)
        self._overlay = self._publisher(OVERLAY, COMPRESSED_IMAGE) \
            if task.overlay and not self._vision.reads_text else None

    def write_labels(self, header: Header, stamp_ns: int) -> None:
        """Write `label_info`."""
        self._set_time(stamp_ns)
        self._labels.publish(self._style.labels, Header(stamp=header.stamp),
                             self._task.thresholds.confidence)

    def write(self, result: Result, sample: Sample, header: Header, stamp_ns: int) -> None:
        """
        Write a result and its drawing.

        :param result: the result of the task.
        :param sample: the image or text.
        :param header: its header.
        :param stamp_ns: time of its message in the bag.
        """
        self._set_time(stamp_ns)
        self._ros.publish(self._publishers, result, header, self._style,
                          Seen(self._tracks))
        if self._overlay is not None and isinstance(sample, Frame):
            bgr = np.array(to_bgr(sample.pixels, sample.encoding))
            self._vision.draw(bgr, result, self._style.labels)
            self._overlay.publish(jpeg_bytes(bgr), header)

    def labels_of(self, result: Result) -> list[str]:
        """Return the label of each detection, or the class of an image or text."""
        found = self._vision.detections(result)
        class_ids = found.class_ids.tolist() if found is not None else (
            result.class_ids[:1].tolist() if isinstance(result, Classification) else [])
        return [self._style.labels[class_id] for class_id in class_ids]

    def _publisher(self, name: str, form: MessageForm, *, latched: bool = False
                   ) -> TopicPublisher:
        self._topics.append(_BagTopic(self._writer, self._writer.add_topic(
            f'{self._task.namespace}/{name}', type_name(form.kind), latched=latched)))
        # As bytes, whose padding is always the same: that of rclpy is any memory.
        return TopicPublisher(self._topics[-1], form.builder(_LOGGER.warning))

    def _set_time(self, stamp_ns: int) -> None:
        for topic in self._topics:
            topic.stamp_ns = stamp_ns


def result_names(manifest: EngineManifest, task: BagTask) -> Sequence[str]:
    """Return the full names of the topics that are written for an engine."""
    names = (*TASKS[manifest.task].topics, LABELS, *((OVERLAY,) if task.overlay else ()))
    return [f'{task.namespace}/{name}' for name in names]


def check_namespace(namespace: str) -> None:
    """
    Reject a namespace that is none.

    :raises BagError: names it and what is expected.
    """
    if not _NAMESPACE.fullmatch(namespace):
        raise BagError(f"the namespace '{namespace}' is invalid: expected a name such as "
                       '/camera/front', code='bag_namespace')


def type_name(kind: Any) -> str:
    """Return the name of a message class as bags have it: 'sensor_msgs/msg/Image'."""
    return f"{kind.__module__.partition('.')[0]}/msg/{kind.__name__}"


def as_bytes(message: Any) -> bytes:
    """Return a message as bytes, if it is not already."""
    return message if isinstance(message, bytes) else bytes(serialize_message(message))
