# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs an engine on the images of a bag and writes a bag with the detections."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
import re
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edge_trt_ros.errors import BagError, ImageError
from edge_trt_ros.ros.bags.bag_writer import BagWriter
from edge_trt_ros.ros.messages.detections import detections_message, label_info_message
from edge_trt_ros.ros.messages.image import frame_from_image
from edge_trt_ros.runtime.contract import Runtime, Ticket
from edge_trt_ros.runtime.pipeline import collect_detections
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.bags import BagReader, COMPRESSED_IMAGE, IMAGE
from edge_trt_ros.sources.frames import frame_from_compressed_message
from edge_trt_ros.vision.thresholds import Thresholds
from edge_trt_ros.vision.tracking import TrackIds

_TOPIC = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)+')
_DECODERS: dict[str, tuple[Any, Callable[[Any, str], Frame]]] = {
    IMAGE: (Image, frame_from_image),
    COMPRESSED_IMAGE: (CompressedImage, frame_from_compressed_message)}


@dataclass(frozen=True)
class BagTask:
    """
    What to do with a bag.

    :param source: bag to read.
    :param target: folder of the bag to write.
    :param topic: topic of the images; '' for the only image topic.
    :param detections_topic: topic of the detections; labels go to label_info in its namespace.
    :param copy: whether to copy the messages of the source as well.
    :param track: whether detections get track IDs.
    """

    source: Path
    target: Path
    topic: str = ''
    detections_topic: str = '/detections'
    copy: bool = True
    track: bool = False


def detect_in_bag(runtime: Runtime, task: BagTask, thresholds: Thresholds,
                  progress: Callable[[int, int], None] = lambda done, total: None
                  ) -> dict[str, Any]:
    """
    Run an engine on the images of a bag.

    :param runtime: an open engine.
    :param task: what to do.
    :param thresholds: what to keep.
    :param progress: called with the number of images done and of all images.
    :returns: counts as plain values. Images that cannot be decoded are skipped and counted.
    :raises BagError: if a bag cannot be read or written, or no image can be decoded.
    """
    with BagReader(task.source) as reader, BagWriter(task.target, like=task.source) as writer:
        topics = _Topics.of(task, reader, writer)
        images = topics.images
        total = sum(image.msgcount for image in images)
        detector = _Detector(runtime, task, thresholds, writer, topics,
                             lambda done: progress(done, total))
        image_ids = {image.id for image in images}
        for connection, stamp_ns, data in reader.messages(
                reader.connections if task.copy else images):
            if (copied := topics.copies.get(connection.id)) is not None:
                writer.write(copied, stamp_ns, data)
            if connection.id in image_ids:
                detector.take(connection, stamp_ns, data)
        detector.finish()
        if not detector.done:
            raise BagError(f'{task.source}: none of the {total} images on {images[0].topic} can '
                           f"be decoded: {detector.problem or 'there are none'}")
    return {'bag': str(task.target), 'topic': images[0].topic,
            'detections_topic': task.detections_topic, 'images': detector.done,
            'detections': detector.detected, 'skipped_images': detector.skipped,
            'first_problem': detector.problem,
            'topics_left_out': sorted({
                connection.topic for connection in reader.connections
                if task.copy and topics.copies[connection.id] is None})}


@dataclass(frozen=True)
class _Topics:
    """
    The topics of both bags.

    :param images: connections of the source with the images.
    :param copies: the target's connection by the ID of the source's connection.
    :param detections: the target's connection for detections.
    :param labels: the target's connection for labels.
    """

    images: list[Any]
    copies: Mapping[int, Any]
    detections: Any
    labels: Any

    @classmethod
    def of(cls, task: BagTask, reader: BagReader, writer: BagWriter) -> _Topics:
        """Add the topics of the target; raise BagError if a topic is invalid or exists already."""
        if not _TOPIC.fullmatch(task.detections_topic):
            raise BagError(f"the topic name '{task.detections_topic}' is invalid: expected a name "
                           'such as /camera/detections')
        images = reader.topic(tuple(_DECODERS), task.topic, '--topic')
        labels = str(PurePosixPath(task.detections_topic).with_name('label_info'))
        taken = {connection.topic for connection in reader.connections if task.copy} & {
            task.detections_topic, labels}
        if taken:
            raise BagError(f"{task.source} has {', '.join(sorted(taken))} already: give another "
                           '--detections-topic, or --detections-only')
        copies = {connection.id: writer.copy_topic(connection)
                  for connection in reader.connections} if task.copy else {}
        return cls(images, copies,
                   writer.add_topic(task.detections_topic, 'vision_msgs/msg/Detection2DArray'),
                   writer.add_topic(labels, 'vision_msgs/msg/LabelInfo', latched=True))


@dataclass(frozen=True)
class _InFlight:
    """A submitted image; its frame keeps the pixels alive."""

    ticket: Ticket
    frame: Frame
    header: Header
    stamp_ns: int


class _Detector:
    """
    Runs the engine on images, writes the detections and counts images and detections.

    The engine works on as many images as it has slots, while the next image is read and decoded.
    """

    def __init__(self, runtime: Runtime, task: BagTask, thresholds: Thresholds,
                 writer: BagWriter, topics: _Topics, progress: Callable[[int], None]) -> None:
        self._runtime, self._thresholds = runtime, thresholds
        self._writer, self._topics, self._progress = writer, topics, progress
        self._tracks = TrackIds() if task.track else None
        self._in_flight: deque[_InFlight] = deque()
        self.done = self.detected = self.skipped = self._submitted = 0
        self.problem = ''

    def take(self, connection: Any, stamp_ns: int, data: bytes) -> None:
        """Submit an image; an image that cannot be decoded is skipped and counted."""
        kind, decode = _DECODERS[connection.msgtype]
        try:
            message = deserialize_message(bytes(data), kind)
            frame = decode(message, connection.topic)
        except (ImageError, RuntimeError) as error:  # rclpy raises RuntimeError for bad bytes
            self.skipped += 1
            self.problem = self.problem or str(error)
            self._progress(self.done + self.skipped)
            return
        if not self._submitted:
            self._writer.write(self._topics.labels, stamp_ns, label_info_message(
                self._runtime.manifest.labels, Header(stamp=message.header.stamp),
                self._thresholds.confidence))
        if len(self._in_flight) == self._runtime.slots:
            self._finish_oldest()
        ticket = self._runtime.submit(
            frame, self._thresholds, slot=self._submitted % self._runtime.slots)
        self._in_flight.append(_InFlight(ticket, frame, message.header, stamp_ns))
        self._submitted += 1

    def finish(self) -> None:
        """Wait for the images in flight and write their detections."""
        while self._in_flight:
            self._finish_oldest()

    def _finish_oldest(self) -> None:
        oldest = self._in_flight.popleft()
        detections, _ = collect_detections(self._runtime, oldest.ticket)
        self._writer.write(self._topics.detections, oldest.stamp_ns, detections_message(
            detections, oldest.header, self._runtime.manifest.labels,
            self._tracks.update(detections, oldest.frame.stamp_ns) if self._tracks else ()))
        self.done, self.detected = self.done + 1, self.detected + len(detections)
        self._progress(self.done + self.skipped)
