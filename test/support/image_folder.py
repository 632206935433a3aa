# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Calibration sets: folders of images, and bags."""

from __future__ import annotations

from pathlib import Path

import cv2
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from support.frames import noise_frame


def image_folder(folder: Path, count: int = 6) -> Path:
    """Write images of different sizes; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        cv2.imwrite(str(folder / f'{index:02d}.png'),
                    noise_frame((160 + 10 * index, 90), index).pixels)
    return folder


def image_bag(path: Path, storage: StoragePlugin, count: int = 6,
              topics: tuple[str, ...] = ('/camera/image',)) -> Path:
    """Write the images of `image_folder` to a bag, every second compressed; return its path."""
    store = get_typestore(Stores.ROS2_JAZZY)
    header = store.types['std_msgs/msg/Header'](
        store.types['builtin_interfaces/msg/Time'](1, 2), 'camera')
    raw, packed = (store.types[f'sensor_msgs/msg/{name}'] for name in ('Image', 'CompressedImage'))
    with Writer(path, version=9, storage_plugin=storage) as writer:
        for topic in topics:
            connections = {kind: writer.add_connection(topic, kind.__msgtype__, typestore=store)
                           for kind in (raw, packed)}
            for index in range(count):
                frame = noise_frame((160 + 10 * index, 90), index)
                width, height = frame.size_wh
                if index % 2:
                    data = cv2.imencode('.png', frame.pixels)[1].ravel()
                    message = packed(header, 'png', data)
                else:
                    message = raw(header, height, width, 'bgr8', 0, 3 * width,
                                  frame.pixels.ravel())
                writer.write(connections[type(message)], 1000 * index,
                             store.serialize_cdr(message, message.__msgtype__))
    return path
