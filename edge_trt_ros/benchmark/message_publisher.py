# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Publishes detections to a subscription in this process, to measure what messages cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, ExitStack
from dataclasses import dataclass
import importlib.util

from edge_trt_ros.vision.detections import Detections

Publish = Callable[[Detections], None]


@dataclass(frozen=True)
class MessagePublisher:
    """
    Builds and publishes messages.

    :param publish: publishes detections as the nodes do.
    :param publish_objects: publishes detections as message objects, for comparison.
    """

    publish: Publish
    publish_objects: Publish


@contextmanager
def message_publisher(labels: Sequence[str]) -> Iterator[MessagePublisher | None]:
    """
    Create a publisher with one subscription while the context is open; None without ROS.

    :param labels: class names of the detections.
    """
    if importlib.util.find_spec('vision_msgs') is None:
        yield None
        return
    import rclpy
    from std_msgs.msg import Header

    from edge_trt_ros.benchmark.image_source import start_node
    from edge_trt_ros.ros.messages.detections import DETECTIONS
    from edge_trt_ros.ros.messages.form import TopicPublisher
    with ExitStack() as stack:
        node = start_node('messages')
        stack.callback(rclpy.try_shutdown)
        stack.callback(node.destroy_node)
        publisher = node.create_publisher(DETECTIONS.kind, '~/detections', 1)
        node.create_subscription(DETECTIONS.kind, '~/detections', lambda message: None, 1)
        header, texts = Header(frame_id='camera'), tuple(labels)
        forms = (DETECTIONS.builder(node.get_logger().warning), DETECTIONS.as_object)
        as_nodes, as_objects = (TopicPublisher(publisher, form) for form in forms)
        yield MessagePublisher(lambda found: as_nodes.publish(found, header, texts),
                               lambda found: as_objects.publish(found, header, texts))
