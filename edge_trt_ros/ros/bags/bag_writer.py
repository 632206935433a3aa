# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Writes bags through rosbags, to a temporary folder that is renamed when the bag is complete."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
from typing import Any

from ament_index_python.packages import get_package_share_path
from rclpy.serialization import serialize_message
from rosbags.interfaces import Connection, Qos, QosDurability, QosHistory, QosLiveliness
from rosbags.interfaces import QosReliability, QosTime
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg, get_typestore, Stores

from edge_trt_ros.errors import BagError
from edge_trt_ros.files import staged_path

_NO_TIME = QosTime(0, 0)


class BagWriter:
    """
    A context manager that writes a bag. After an error no bag is left.

    :param path: folder of the bag.
    :param like: bag whose storage format is used.
    :raises BagError: if the path exists.
    """

    def __init__(self, path: Path, like: Path) -> None:
        self.path = path
        self._staged = staged_path(path)
        if path.exists():
            raise BagError(f'{path} exists already: remove it, or choose another name')
        files = [like] if like.is_file() else list(like.iterdir())
        is_mcap = any('.mcap' in file.suffixes for file in files)
        self._types = get_typestore(Stores.ROS2_JAZZY)
        for file in sorted((get_package_share_path('vision_msgs') / 'msg').glob('*.msg')):
            self._types.register(get_types_from_msg(
                file.read_text(encoding='utf-8'), f'vision_msgs/msg/{file.stem}'))
        self._writer = Writer(self._staged, version=9, storage_plugin=(
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

    def write(self, connection: Connection, stamp_ns: int, message: Any) -> None:
        """Write a message, or its serialised bytes."""
        data = message if isinstance(message, (bytes, memoryview)) else serialize_message(message)
        self._writer.write(connection, stamp_ns, data)

    def __enter__(self) -> BagWriter:
        self._writer.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: object) -> None:
        try:
            self._writer.__exit__(kind, error, None)
            if kind is None:
                os.rename(self._staged, self.path)
        finally:
            shutil.rmtree(self._staged, ignore_errors=True)
