"""Runs an engine over the images of a bag and writes a bag with the detections in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
import re
from typing import Any

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from edge_trt_ros.errors import BagError, ImageError
from edge_trt_ros.ros.bags.bag import BagReader, BagWriter
from edge_trt_ros.ros.messages.detections import detections_message, label_info_message
from edge_trt_ros.ros.messages.image import frame_from_compressed, frame_from_image
from edge_trt_ros.runtime.contract import Frame, Runtime
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.postprocess import Thresholds
from edge_trt_ros.vision.tracking import TrackIds

_TOPIC = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)+')
_DECODERS: dict[str, tuple[Any, Callable[[Any, str], Frame]]] = {
    'sensor_msgs/msg/Image': (Image, frame_from_image),
    'sensor_msgs/msg/CompressedImage': (CompressedImage, frame_from_compressed)}


@dataclass(frozen=True)
class BagTask:
    """
    What to do with a bag.

    :param source: bag to read.
    :param target: folder of the bag to write.
    :param topic: topic of the images; '' for the only one.
    :param detections_topic: where detections go; labels go to label_info beside it.
    :param copy: whether to take over everything in the source, too.
    :param track: whether to give detections ids.
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
    Run an engine over a bag.

    :param runtime: an open engine.
    :param task: what to do.
    :param thresholds: what to keep.
    :param progress: called with the images done and their number.
    :returns: figures as plain values. Images that cannot be decoded are skipped and counted.
    :raises BagError: if a bag cannot be read or written, or no image can be decoded.
    """
    labels = runtime.manifest.labels
    tracks = TrackIds() if task.track else None
    with BagReader(task.source) as reader, BagWriter(task.target, like=task.source) as writer:
        if not _TOPIC.fullmatch(task.detections_topic):
            raise BagError(f"the topic '{task.detections_topic}' cannot be: expected a name such "
                           'as /camera/detections')
        images = reader.topic(tuple(_DECODERS), task.topic)
        labels_topic = str(PurePosixPath(task.detections_topic).with_name('label_info'))
        taken = {one.topic for one in reader.connections if task.copy} & {
            task.detections_topic, labels_topic}
        if taken:
            raise BagError(f"{task.source} has {', '.join(sorted(taken))} already: give another "
                           '--detections-topic, or --detections-only')
        copies = {one.id: writer.copy_topic(one) for one in reader.connections} \
            if task.copy else {}
        found_on = writer.add_topic(task.detections_topic, 'vision_msgs/msg/Detection2DArray')
        labels_on = writer.add_topic(labels_topic, 'vision_msgs/msg/LabelInfo', latched=True)
        total, ids = sum(one.msgcount for one in images), {one.id for one in images}
        done = detected = skipped = 0
        problem = ''
        for connection, stamp_ns, data in reader.messages(
                reader.connections if task.copy else images):
            if (copied := copies.get(connection.id)) is not None:
                writer.write(copied, stamp_ns, data)
            if connection.id not in ids:
                continue
            kind, decode = _DECODERS[connection.msgtype]
            try:
                message = deserialize_message(bytes(data), kind)
                frame = decode(message, connection.topic)
            except (ImageError, RuntimeError) as error:  # rclpy's, for bytes that are no message
                skipped += 1
                problem = problem or str(error)
                continue
            if not done:
                header = Header(stamp=message.header.stamp)
                writer.write(labels_on, stamp_ns, label_info_message(
                    labels, header, thresholds.confidence))
            detections, _ = detect(runtime, frame, thresholds)
            writer.write(found_on, stamp_ns, detections_message(
                detections, message.header, labels,
                tracks.update(detections, frame.stamp_ns) if tracks else ()))
            done, detected = done + 1, detected + len(detections)
            progress(done + skipped, total)
        if not done:
            raise BagError(f'{task.source}: none of the {total} images on {images[0].topic} can '
                           f"be decoded: {problem or 'there are none'}")
    return {'bag': str(task.target), 'topic': images[0].topic,
            'detections_topic': task.detections_topic, 'images': done, 'detections': detected,
            'skipped_images': skipped, 'first_problem': problem,
            'topics_left_out': sorted({one.topic for one in reader.connections
                                       if task.copy and copies[one.id] is None})}
