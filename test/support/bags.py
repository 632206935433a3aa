# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bags with small pictures, and runs of `detect_bag` over them."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any

import cv2
import numpy as np
from rclpy.serialization import serialize_message
from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header, String

from edge_trt_ros.ros.bags.processes import run_here, Runner
from edge_trt_ros.ros.bags.report import Report
from edge_trt_ros.ros.bags.run import ArchiveRun, Progress, SLICE_BYTES
from edge_trt_ros.ros.bags.task import BagTask
from edge_trt_ros.ros.bags.unit import EngineChoice
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.vision.thresholds import Thresholds

FORMATS = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
TASK = BagTask(thresholds=Thresholds(confidence=0.2))


def picture(seed: int) -> np.ndarray:
    """Return blocks of colour, bgr8 (90, 160, 3)."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return np.kron(blocks, np.ones((10, 10, 1), np.uint8))


def header(index: int) -> Header:
    """Return the header of an image of a bag at 10 Hz."""
    stamped = Header(frame_id='camera')
    stamped.stamp.sec, stamped.stamp.nanosec = 50 + index // 10, index % 10 * 100_000_000
    return stamped


def record(path: Path, storage: str = 'mcap', images: int = 4, compressed: bool = False,
           more: dict[str, list[Any]] | None = None, first: int = 0) -> Path:
    """Write a bag with images on /camera/image, one every 0.1 s, and other topics."""
    types = get_typestore(Stores.ROS2_JAZZY)
    kind = 'CompressedImage' if compressed else 'Image'
    with Writer(path, version=9, storage_plugin=FORMATS[storage]) as writer:
        topic = writer.add_connection('/camera/image', f'sensor_msgs/msg/{kind}',
                                      typestore=types) if images else None
        talk = writer.add_connection('/chatter', 'std_msgs/msg/String', typestore=types)
        for index in range(first, first + images):
            if compressed:
                _, data = cv2.imencode('.png', picture(index))
                message: Any = CompressedImage(header=header(index), format='png',
                                               data=data.tobytes())
            else:
                message = image_message(picture(index), header(index))
            stamp_ns = 50_000_000_000 + index * 100_000_000 + 5_000_000
            writer.write(talk, stamp_ns - 1, serialize_message(String(data=f'before {index}')))
            assert topic is not None
            writer.write(topic, stamp_ns, serialize_message(message))
        for name, messages in (more or {}).items():
            package = type(messages[0]).__module__.partition('.')[0]
            connection = writer.add_connection(
                name, f'{package}/msg/{type(messages[0]).__name__}', typestore=types)
            for message in messages:
                writer.write(connection, 60_000_000_000, serialize_message(message))
    return path


def record_archive(folder: Path, bags: int = 3, images: int = 6) -> Path:
    """Write bags of both formats, some in a folder below, with different pictures."""
    for index in range(bags):
        path = folder / ('day' if index % 2 else '.') / f'run_{index}'
        path.parent.mkdir(parents=True, exist_ok=True)
        record(path, list(FORMATS)[index % 2], images, first=10 * index)
    return folder


def detect_bags(engine: Path, source: Path | str, target: Path, task: BagTask = TASK,
                runner: Runner = run_here, slice_bytes: int = SLICE_BYTES,
                progress: Progress = lambda fraction, done, total: None) -> Report:
    """Run an engine on a bag or an archive, as `detect_bag` does."""
    run = ArchiveRun([str(source)], target, EngineChoice(engine), task, slice_bytes)
    return run.run(runner, progress, one_core=runner is not run_here)


def read(path: Path) -> list[tuple[str, int, Any]]:
    """Return all messages of a bag; the reader compares the types' hashes."""
    with AnyReader([path]) as reader:
        return [(connection.topic, stamp_ns, reader.deserialize(data, connection.msgtype))
                for connection, stamp_ns, data in reader.messages()]


def contents(folder: Path) -> dict[str, Any]:
    """
    Return every file below a folder, hidden ones too, by its relative path.

    Databases are compared by their rows: SQLite leaves any bytes in the unused part of a page.
    """
    return {str(path.relative_to(folder)): _rows(path) if path.suffix == '.db3' else
            path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def _rows(path: Path) -> list[str]:
    try:
        with closing(sqlite3.connect(f'file:{path}?mode=ro', uri=True)) as database:
            return list(database.iterdump())
    except sqlite3.Error as error:
        return [str(error)]  # the process that wrote it was killed
