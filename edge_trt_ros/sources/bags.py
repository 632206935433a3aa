# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads ROS 2 bags (MCAP or sqlite3) with rosbags, without a ROS installation or plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edge_trt_ros.errors import BagError
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.frames import frame_from_compressed_message, frame_from_message

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
_FILE_SUFFIXES = ('.mcap', '.db3')


def is_bag(path: Path) -> bool:
    """Return whether a path is a bag: a folder with metadata.yaml, or a single bag file."""
    return path.suffix in _FILE_SUFFIXES or (path / 'metadata.yaml').is_file()


class BagReader:
    """
    An open bag; a context manager that closes it.

    :param path: folder of the bag, or its single file.
    :raises MissingLibraryError: if rosbags is not installed.
    :raises BagError: if the bag cannot be read.
    """

    def __init__(self, path: Path) -> None:
        require('rosbags', f'reading the bag {path}')
        from rosbags.rosbag2 import Reader
        from rosbags.typesys import get_typestore, Stores
        self.path = path
        self._types = get_typestore(Stores.ROS2_JAZZY)
        try:
            self._reader = Reader(path)
            self._reader.open()
        except Exception as error:  # rosbags, sqlite and YAML raise their own classes
            raise self._bag_error(error) from error
        self.connections: list[Any] = list(self._reader.connections)

    def topic(self, types: Sequence[str], name: str, option: str) -> list[Any]:
        """
        Return the connections of one topic.

        :param types: accepted message types, as 'sensor_msgs/msg/Image'.
        :param name: name of the topic; '' selects the only topic of these types.
        :param option: option that sets the topic, for the message: '--topic' or
            'calibration_topic'.
        :raises BagError: if the topic is missing or ambiguous; lists the topics of the bag.
        """
        topics = sorted({connection.topic for connection in self.connections
                         if connection.msgtype in types})
        wanted = name or (topics[0] if len(topics) == 1 else '')
        found = [connection for connection in self.connections
                 if connection.topic == wanted and connection.msgtype in types]
        if found:
            return found
        listed = ', '.join(topics) or 'none'
        what = ' or '.join(kind.rpartition('/')[2] for kind in types)
        if not topics:
            raise BagError(f'{self.path} has no topic with messages of type {what}: record one, '
                           'or choose another bag', code='bag_without_images')
        if name:
            raise BagError(f"{self.path} has no images on '{name}', topics with images are: "
                           f'{listed}', code='bag_topic_missing')
        raise BagError(f'{self.path} has images on: {listed}; give {option}',
                       code='bag_topic_ambiguous')

    def messages(self, connections: Sequence[Any], start_ns: int | None = None,
                 stop_ns: int | None = None) -> Iterator[tuple[Any, int, bytes]]:
        """
        Yield connection, time in nanoseconds and bytes of each message of the connections.

        :param connections: the connections.
        :param start_ns: time of the first message; None for the begin of the bag.
        :param stop_ns: time after the last message; None for the end of the bag.
        :raises BagError: if the bag is damaged.
        """
        try:
            yield from self._reader.messages(connections, start_ns, stop_ns)
        except Exception as error:  # rosbags, sqlite and the codecs raise their own classes
            raise self._bag_error(error) from error

    def times_ns(self) -> tuple[int, int]:
        """Return the times of the first message and after the last message, in nanoseconds."""
        return self._reader.start_time, self._reader.end_time

    def frame(self, connection: Any, data: bytes, source: str) -> Frame:
        """
        Return the frame of an image message.

        :param connection: connection of the message, of type `IMAGE` or `COMPRESSED_IMAGE`.
        :param data: bytes of the message.
        :param source: topic or file of the image, for error messages.
        :raises ImageError: if the image is invalid.
        :raises BagError: if the bytes are not a message of that type.
        """
        try:
            message: Any = self._types.deserialize_cdr(data, connection.msgtype)
        except Exception as error:  # numpy, struct and rosbags raise their own classes
            raise self._bag_error(error) from error
        if connection.msgtype == COMPRESSED_IMAGE:
            return frame_from_compressed_message(message, source)
        return frame_from_message(message, source)

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: object) -> None:
        self._reader.close()

    def _bag_error(self, error: Exception) -> BagError:
        if not self.path.exists():
            return BagError(f'there is no bag {self.path}', code='bag_missing')
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return BagError(f'{self.path} cannot be read as a bag ({reason}); `ros2 bag reindex` '
                        'repairs a bag whose recording was cut short', code='bag_damaged')
