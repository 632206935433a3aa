# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs an engine on the images or texts of a bag, or of a time slice of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

from edge_trt_ros.errors import BagError, EngineError, ImageError, NetworkOutputError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import kind_name
from edge_trt_ros.ros.bags.bag_writer import BagWriter
from edge_trt_ros.ros.bags.results import result_names, ResultTopics, type_name
from edge_trt_ros.ros.bags.task import BagTask, Counts, Span
from edge_trt_ros.ros.messages.image import frame_from_image
from edge_trt_ros.runtime.contract import Runtime, Ticket
from edge_trt_ros.runtime.pipeline import collect_result
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.sources.bags import BagReader
from edge_trt_ros.sources.frames import frame_from_compressed_message
from edge_trt_ros.vision.tasks import Result

# Converts a message, with the name of its topic, to a sample.
Read = Callable[[Any, str], Sample]


def detect_in_bag(runtime: Runtime, task: BagTask, reader: BagReader, writer: BagWriter,
                  span: Span = Span(), progress: Callable[[float], None] = lambda fraction: None,
                  depth: int = 0) -> Counts:
    """
    Run an engine on the images of a bag and write the results.

    :param runtime: an open engine.
    :param task: what to do.
    :param reader: the bag to read.
    :param writer: the bag to write.
    :param span: the part of the bag.
    :param progress: called with the fraction of the span that is done.
    :param depth: images that are in work at the same time; 0 for as many as the engine has slots.
    :returns: what was found. Images that cannot be decoded are skipped and counted.
    :raises BagError: if a bag cannot be read or written, or lacks the topic.
    """
    reads = _readers(runtime.manifest)
    inputs = reader.topic(tuple(reads), task.topic, '--topic')
    topics = ResultTopics(writer, runtime.manifest, task)
    copies = _copies(task, runtime.manifest, reader, writer)
    detector = _Detector(runtime, task, topics, {
        name: read for name, (_, read) in reads.items()}, depth or runtime.slots)
    ids = {connection.id for connection in inputs}
    start_ns, stop_ns = (given if given is not None else own for given, own in zip(
        (span.start_ns, span.stop_ns), reader.times_ns()))
    for connection, stamp_ns, data in reader.messages(
            reader.connections if task.copy else inputs, span.start_ns, span.stop_ns):
        if (copied := copies.get(connection.id)) is not None:
            writer.write(copied, stamp_ns, data)
        if connection.id in ids:
            detector.take(connection, stamp_ns, data, reads[connection.msgtype][0])
            progress((stamp_ns - start_ns) / max(1, stop_ns - start_ns))
    detector.finish()
    detector.counts.topic = inputs[0].topic
    detector.counts.stated = sum(connection.msgcount for connection in inputs)
    detector.counts.left_out = sorted({
        connection.topic for connection in reader.connections
        if task.copy and copies[connection.id] is None})
    return detector.counts


def check_found(counts: Counts, source: Path) -> None:
    """
    Reject a bag without a result, and one with fewer images than it states.

    :raises BagError: says what is missing.
    """
    found = counts.images + counts.skipped
    if found < counts.stated:
        raise BagError(f'{source} has {found} of the {counts.stated} images on {counts.topic} '
                       'that it states: the rest is damaged; `ros2 bag reindex` or `mcap recover` '
                       'saves what can be read', code='bag_damaged')
    if not counts.images and counts.skipped:
        raise BagError(f'{source}: none of the {counts.skipped} images on {counts.topic} can be '
                       f'decoded: {counts.problem}', code='bag_images_broken')
    if not counts.images:
        raise BagError(f'{source} has no messages on {counts.topic}: record the topic, or give '
                       'another --topic', code='bag_without_images')


def _copies(task: BagTask, manifest: EngineManifest, reader: BagReader, writer: BagWriter
            ) -> Mapping[int, Any]:
    """Add the topics of the source; return the target's by the ID of the source's connection."""
    if not task.copy:
        return {}
    taken = {connection.topic for connection in reader.connections} & {
        *result_names(manifest, task)}
    if taken:
        raise BagError(f"{reader.path} has {', '.join(sorted(taken))} already: give a "
                       '--namespace, or --detections-only', code='bag_topic_taken')
    return {connection.id: writer.copy_topic(connection) for connection in reader.connections}


def _readers(manifest: EngineManifest) -> Mapping[str, tuple[Any, Read]]:
    """Return message class and conversion by message type, for the input of an engine."""
    kinds = [kind_name(network_input) for network_input in manifest.input_kinds]
    if kinds == ['image']:
        return _IMAGES
    if kinds == ['text'] and manifest.text_input:
        tokens = TextTokens(manifest.text_input)
        return {type_name(String): (String, lambda message, topic: tokens.sample(
            message.data, source=topic))}
    raise EngineError(f"the network's inputs are {', '.join(kinds)}, which no topic provides: use "
                      'an engine that reads one image or one text')


_IMAGES: Mapping[str, tuple[Any, Read]] = MappingProxyType({
    type_name(Image): (Image, frame_from_image),
    type_name(CompressedImage): (CompressedImage, frame_from_compressed_message)})


@dataclass(frozen=True)
class _InFlight:
    """A submitted sample, which keeps its pixels alive."""

    ticket: Ticket
    sample: Sample
    header: Header
    stamp_ns: int


class _Detector:
    """
    Runs the engine on samples and writes the results.

    The engine works on some samples while the next one is read and decoded.
    """

    def __init__(self, runtime: Runtime, task: BagTask, topics: ResultTopics,
                 reads: Mapping[str, Read], depth: int) -> None:
        self._runtime, self._thresholds = runtime, task.thresholds
        self._topics, self._reads = topics, reads
        self._depth = min(depth, runtime.slots)
        self._in_flight: deque[_InFlight] = deque()
        self._submitted = 0
        self.counts = Counts()

    def take(self, connection: Any, stamp_ns: int, data: bytes, kind: Any) -> None:
        """Submit a message; one that cannot be decoded is skipped and counted."""
        try:
            message = deserialize_message(bytes(data), kind)
            sample = self._reads[connection.msgtype](message, connection.topic)
        except (ImageError, RuntimeError) as error:  # rclpy raises RuntimeError for bad bytes
            self._skip(error)
            return
        header = getattr(message, 'header', None) or Header(stamp=Time(
            sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9))
        if not self._submitted:
            self._topics.write_labels(header, stamp_ns)
        if len(self._in_flight) == self._depth:
            self._finish_oldest()
        ticket = self._runtime.submit(
            sample, self._thresholds, slot=self._submitted % self._runtime.slots)
        self._in_flight.append(_InFlight(ticket, sample, header, stamp_ns))
        self._submitted += 1

    def finish(self) -> None:
        """Wait for the samples in flight and write their results."""
        while self._in_flight:
            self._finish_oldest()

    def _finish_oldest(self) -> None:
        oldest = self._in_flight.popleft()
        try:
            result, _ = collect_result(self._runtime, oldest.ticket)
        except NetworkOutputError as error:
            self._skip(error)
            return
        self._write(result, oldest)

    def _write(self, result: Result, of: _InFlight) -> None:
        self._topics.write(result, of.sample, of.header, of.stamp_ns)
        self.counts.images += 1
        for label in self._topics.labels_of(result):
            self.counts.by_class[label] = self.counts.by_class.get(label, 0) + 1

    def _skip(self, error: Exception) -> None:
        self.counts.skipped += 1
        self.counts.problem = self.counts.problem or str(error)
