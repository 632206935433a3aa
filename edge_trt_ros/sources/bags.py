"""Bags of ROS 2, MCAP or sqlite3, read through rosbags: no ROS graph, no plugins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from edge_trt_ros.errors import BagError
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.sources.frames import frame_from_encoded, frame_from_message

IMAGE, COMPRESSED_IMAGE = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
_FILE_SUFFIXES = ('.mcap', '.db3')


def is_bag(path: Path) -> bool:
    """Return whether a path is that of a bag: a folder with its metadata, or its only file."""
    return path.suffix in _FILE_SUFFIXES or (path / 'metadata.yaml').is_file()


class BagReader:
    """
    A bag that is read, a context manager.

    :param path: folder of the bag, or its only file.
    :raises BagError: if it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        if importlib.util.find_spec('rosbags') is None:
            raise BagError(f'{path} is a bag, and rosbags is not installed to read it: '
                           'pip install rosbags')
        from rosbags.rosbag2 import Reader
        from rosbags.typesys import get_typestore, Stores
        self.path = path
        self._types = get_typestore(Stores.ROS2_JAZZY)
        try:
            self._reader = Reader(path)
            self._reader.open()
        except Exception as error:  # rosbags, sqlite and YAML have one each
            raise self._refusal(error) from error
        self.connections: list[Any] = list(self._reader.connections)

    def topic(self, types: Sequence[str], name: str, option: str) -> list[Any]:
        """
        Return the connections of one topic.

        :param types: message types that are wanted, as 'sensor_msgs/msg/Image'.
        :param name: the topic; '' takes the only one of these types.
        :param option: what states it, for the message: '--topic' or 'calibration_topic'.
        :raises BagError: naming the topics that there are.
        """
        there = sorted({one.topic for one in self.connections if one.msgtype in types})
        wanted = name or (there[0] if len(there) == 1 else '')
        found = [one for one in self.connections
                 if one.topic == wanted and one.msgtype in types]
        if found:
            return found
        listed = ', '.join(there) or 'none'
        raise BagError(f"{self.path} has no images on '{name}', topics with images are: {listed}"
                       if name else f'{self.path} has images on: {listed}; give {option}')

    def messages(self, connections: Sequence[Any]) -> Iterator[tuple[Any, int, bytes]]:
        """Yield connection, time in nanoseconds and bytes of each message of some topics."""
        try:
            yield from self._reader.messages(connections)
        except Exception as error:  # rosbags, sqlite and the codecs have one each
            raise self._refusal(error) from error

    def frame(self, connection: Any, data: bytes, source: str) -> Frame:
        """
        Return the frame of an image message.

        :param connection: its topic, of type `IMAGE` or `COMPRESSED_IMAGE`.
        :param data: the message's bytes.
        :param source: where it came from, for messages to people.
        :raises ImageError: if it is no image.
        :raises BagError: if the bytes are no message of that type.
        """
        try:
            message: Any = self._types.deserialize_cdr(data, connection.msgtype)
        except Exception as error:  # numpy, struct and rosbags have one each
            raise self._refusal(error) from error
        if connection.msgtype == COMPRESSED_IMAGE:
            return frame_from_encoded(np.asarray(message.data, np.uint8), source, message.header)
        return frame_from_message(message, source)

    def __enter__(self) -> BagReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: object) -> None:
        self._reader.close()

    def _refusal(self, error: Exception) -> BagError:
        if not self.path.exists():
            return BagError(f'there is no bag {self.path}')
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return BagError(f'{self.path} cannot be read as a bag ({reason}); `ros2 bag reindex` '
                        'mends one whose recording was cut short')
