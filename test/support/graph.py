# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A ROS graph in this process: nodes under test, a peer node and an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import gc
from time import monotonic
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSPresetProfiles
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.ros.node.transport import prepare_transport


class Graph:
    """Nodes under test and a peer node, which a single executor spins."""

    def __init__(self) -> None:
        self.peer = rclpy.create_node('peer')
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.peer)
        self.detections: list[Detection2DArray] = []
        self.peer.create_subscription(
            Detection2DArray, 'detections', self.detections.append, 10)
        self.images = self.peer.create_publisher(
            Image, 'image', QoSPresetProfiles.SENSOR_DATA.value)
        self._nodes: list[Any] = []

    def add(self, kind: Callable[..., Any], **parameters: Any) -> Any:
        """Create a node with parameters and add it to the executor."""
        node = kind(parameter_overrides=[
            Parameter(name.replace('__', '.'), value=value) for name, value in parameters.items()])
        self.executor.add_node(node)
        self._nodes.append(node)
        return node

    def until(self, condition: Callable[[], Any], timeout_s: float = 60.0) -> None:
        """Spin until a condition is true; fail the test after a timeout."""
        deadline = monotonic() + timeout_s
        while not condition():
            assert monotonic() < deadline, 'timed out'
            self.executor.spin_once(timeout_sec=0.05)

    def spin(self, seconds: float) -> None:
        """Spin for a number of seconds."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            self.executor.spin_once(timeout_sec=0.05)

    def call(self, kind: Any, service: str, request: Any = None, timeout_s: float = 60.0) -> Any:
        """Call a service and return its response."""
        client = self.peer.create_client(kind, service)
        self.until(client.service_is_ready)
        # A server in another process may discover this client later than the client discovers it,
        # and then drops its response.
        self.spin(0.3)
        future = client.call_async(request or kind.Request())
        self.until(future.done, timeout_s)
        self.peer.destroy_client(client)
        return future.result()

    def send(self, image: np.ndarray | None = None, encoding: str = 'bgr8',
             **fields: Any) -> Image:
        """Wait for a subscription, publish an image and return its message."""
        self.until(lambda: self.images.get_subscription_count())
        if image is None:
            image = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)
        header = Header(stamp=self.peer.get_clock().now().to_msg(), frame_id='camera')
        message = image_message(image, header, encoding)
        for name, value in fields.items():
            setattr(message, name, value)
        self.images.publish(message)
        return message

    def answer(self, image: np.ndarray | None = None, **fields: Any) -> Detection2DArray:
        """Publish an image and return the detections with its stamp."""
        message = self.send(image, **fields)
        self.until(lambda: any(
            detections.header.stamp == message.header.stamp for detections in self.detections))
        return next(detections for detections in self.detections
                    if detections.header.stamp == message.header.stamp)

    def close(self) -> None:
        """Release and destroy all nodes."""
        for node in self._nodes:
            node.release()
            self.executor.remove_node(node)
            node.destroy_node()
        self._nodes.clear()
        self.executor.remove_node(self.peer)
        self.peer.destroy_node()
        self.executor.shutdown()


@contextmanager
def graph() -> Iterator[Graph]:
    """Start rclpy for a single test."""
    # A lifecycle node answers requests until it is garbage collected, later than destroy_node: the
    # node of an earlier test would answer requests to a process of the same name.
    gc.collect()
    prepare_transport()
    rclpy.init()
    started = Graph()
    try:
        yield started
    finally:
        started.close()
        rclpy.try_shutdown()
