# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Writes a bag through rosbags, and explains why it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
from typing import Any

from ament_index_python.packages import get_package_share_path
from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness
from rosbags.interfaces import QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from edge_trt_ros.errors import BagError, first_line

_NO_TIME = QosTime(0, 0)


class BagWriter:
    """
    A context manager that writes a bag.

    :param path: folder of the bag; must not exist. After an error it is incomplete.
    :param like: bag whose storage format is used.
    :param shown: name of the bag for error messages.
    :raises BagError: if it cannot be written.
    """

    def __init__(self, path: Path, like: Path, shown: Path) -> None:
        self._shown = shown
        files = [like] if like.is_file() else list(like.iterdir())
        is_mcap = any('.mcap' in file.suffixes for file in files)
        self._types = get_typestore(Stores.ROS2_JAZZY)
        for file in sorted((get_package_share_path('vision_msgs') / 'msg').glob('*.msg')):
            self._types.register(get_types_from_msg(
                file.read_text(encoding='utf-8'), f'vision_msgs/msg/{file.stem}'))
        self._writer = Writer(path, version=9, storage_plugin=(
            StoragePlugin.MCAP if is_mcap else StoragePlugin.SQLITE3))

    def add_topic(self, topic: str, kind: str, *, latched: bool = False) -> Connection:
        """Add a new topic; `kind` is its type, such as 'vision_msgs/msg/LabelInfo'."""
        return self._writer.add_connection(
            topic, kind, typestore=self._types, offered_qos_profiles=[Qos(
                QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE,
                QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
                _NO_TIME, _NO_TIME, QosLiveliness.AUTOMATIC, _NO_TIME, False)])

    def copy_topic(self, connection: Any) -> Connection | None:
        """Add a topic of another bag; None if neither the bag nor ROS defines its type."""
        defined = connection.msgdef.data and connection.digest
        if not defined and connection.msgtype not in self._types.fielddefs:
            return None
        return self._writer.add_connection(
            connection.topic, connection.msgtype,
            msgdef=connection.msgdef.data if defined else None,
            rihs01=connection.digest if defined else None,
            typestore=self._types, serialization_format=connection.ext.serialization_format,
            offered_qos_profiles=connection.ext.offered_qos_profiles)

    def write(self, connection: Connection, stamp_ns: int, data: bytes | memoryview) -> None:
        """Write a serialised message."""
        with writing(self._shown):
            self._writer.write(connection, stamp_ns, data)

    def note(self, key: str, text: str) -> None:
        """Store a text under `custom_data` of metadata.yaml."""
        self._writer.set_custom_data(key, text)

    def __enter__(self) -> BagWriter:
        with writing(self._shown):
            self._writer.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: object) -> None:
        with writing(self._shown):
            self._writer.__exit__(kind, error, None)
            if kind is None:
                for path in self._writer.path.iterdir():
                    flush(path)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise an error of the storage as a BagError that names the bag."""
    try:
        yield
    except BagError:
        raise
    except Exception as error:  # rosbags, sqlite and the file system raise their own classes
        reason = error.strerror if isinstance(error, OSError) and error.strerror else (
            first_line(error))
        raise BagError(f'{path} cannot be written ({reason}): make room or correct the '
                       'permissions, and run the command again; finished bags are kept',
                       code='bag_not_written') from error


def flush(path: Path) -> None:
    """Wait until a file or a folder is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
