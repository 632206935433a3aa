# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A camera that changes its size, encoding and rate at random, restarts, and sends bad images."""

from __future__ import annotations

from collections.abc import Callable
from time import time_ns
from typing import Any

import cv2
import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSPresetProfiles
from sensor_msgs.msg import CompressedImage, Image

from edge_trt_ros.vision.pixel_encodings import PIXEL_ENCODINGS

_SIZES_WH = ((160, 90), (320, 240), (640, 480), (1280, 720))
_RATES_HZ = (2.0, 5.0, 15.0, 30.0)
_SECOND_NS = 1_000_000_000
# Of each image: that the camera changes, restarts, sends a bad image or one that is 1 s old.
_CHANGES, _RESTARTS, _BAD, _OLD = 0.02, 0.005, 0.01, 0.02
_BAD_FIELDS: tuple[dict[str, Any], ...] = (
    {'encoding': 'nonsense'}, {'encoding': 'mono16'}, {'width': 0}, {'height': 1 << 31},
    {'step': 1}, {'step': 1 << 31}, {'is_bigendian': 7, 'encoding': 'bgr8'})
_HUGE_PNG = (b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR' + (30000).to_bytes(4, 'big') * 2 + b'\x08\x02\0\0\0')


class RandomCamera:
    """
    Publishes on `image` and `image/compressed` while there are subscribers.

    :param node: the node that publishes.
    :param prefix: prefix of the topics.
    :param random: source of all decisions.
    """

    def __init__(self, node: Node, prefix: str, random: np.random.Generator) -> None:
        self._node, self._prefix, self._random = node, prefix, random
        self._due_ns = 0
        self.sent = self.restarts = 0
        self._start()

    def turn(self, now_ns: int) -> None:
        """Publish an image if it is time for one."""
        if now_ns < self._due_ns:
            return
        self._due_ns = now_ns + round(_SECOND_NS / self._rate_hz)
        chance = self._random.random(3)
        if chance[0] < _RESTARTS:
            self._restart()
        elif chance[0] < _RESTARTS + _CHANGES:
            self._choose()
        age_ns = _SECOND_NS if chance[1] < _OLD else 0
        is_bad = bool(chance[2] < _BAD)
        for publisher, message in ((self._raw, self._image), (self._encoded, self._jpeg)):
            if publisher.get_subscription_count():
                sent = message(is_bad)
                sent.header.stamp.sec, sent.header.stamp.nanosec = divmod(
                    time_ns() - age_ns, _SECOND_NS)
                publisher.publish(sent)
                self.sent += 1

    def _start(self) -> None:
        qos = QoSPresetProfiles.SENSOR_DATA.value
        self._raw = self._node.create_publisher(Image, f'{self._prefix}image', qos)
        self._encoded = self._node.create_publisher(
            CompressedImage, f'{self._prefix}image/compressed', qos)
        self._choose()

    def _restart(self) -> None:
        self._node.destroy_publisher(self._raw)
        self._node.destroy_publisher(self._encoded)
        self._start()
        self.restarts += 1

    def _choose(self) -> None:
        self._rate_hz = float(self._random.choice(_RATES_HZ))
        width, height = _SIZES_WH[self._random.integers(len(_SIZES_WH))]
        layout = list(PIXEL_ENCODINGS.values())[self._random.integers(len(PIXEL_ENCODINGS))]
        pixels = self._random.integers(0, 256, layout.shape((width, height)), np.uint8)
        step = layout.row_bytes(width)

        def image(is_bad: bool) -> Image:
            message = Image(width=width, height=height, encoding=layout.name, step=step)
            message.data.frombytes(pixels.data.cast('B'))
            for name, value in self._one_of(_BAD_FIELDS).items() if is_bad else ():
                setattr(message, name, value)
            return message
        picture = self._random.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
        data = cv2.imencode('.jpg', cv2.resize(picture, (width, height)))[1].tobytes()

        def jpeg(is_bad: bool) -> CompressedImage:
            sent = self._one_of((_HUGE_PNG, data[:len(data) // 2], b'', b'nonsense')) \
                if is_bad else data
            message = CompressedImage(format='jpeg')
            message.data.frombytes(sent)
            return message
        self._image: Callable[[bool], Image] = image
        self._jpeg: Callable[[bool], CompressedImage] = jpeg

    def _one_of(self, choices: tuple[Any, ...]) -> Any:
        return choices[self._random.integers(len(choices))]
