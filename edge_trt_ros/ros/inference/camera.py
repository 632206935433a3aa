# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""One input of a stream, such as a camera: its topics, counters and tracks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from rclpy.event_handler import PublisherEventCallbacks
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from vision_msgs.msg import LabelInfo

from edge_trt_ros.errors import ImageError
from edge_trt_ros.ros.inference.figures import StreamFigures
from edge_trt_ros.ros.inference.newest_inputs import NewestInputs
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.inference.subscription import InputSubscription
from edge_trt_ros.ros.messages.detections import label_info_message
from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.node.answers import explain
from edge_trt_ros.ros.node.managed_node import ManagedNode
from edge_trt_ros.ros.node.qos import incompatible_request, qos_profile
from edge_trt_ros.ros.tasks import TASKS
from edge_trt_ros.vision.trackers import TRACKERS

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Camera:
    """
    The topics of one input, with its counters and tracks.

    :param node: the node.
    :param name: name of the camera, the prefix of its topics; '' for the only input.
    :param settings: the settings of the stream; used here for the task and the input topic.
    :ivar beside: the newest messages of the network's other inputs.
    :ivar camera_info: the last calibration, if the task needs one.
    :ivar info_topic: the topic of calibrations; '' if the task needs none.
    :raises MissingLibraryError: if tracking is asked for and its library is not installed.
    """

    def __init__(self, node: ManagedNode, name: str, settings: StreamSettings) -> None:
        self.name = name
        self.figures = StreamFigures()
        self.last_problem = ''
        self.tracks = TRACKERS[settings.parameters.tracker]() \
            if settings.parameters.track else None
        self._node = node
        self._prefix = f'{name}/' if name else ''
        self.topic = node.resolve_topic_name(self._prefix + settings.input.topic)
        self.camera_info: CameraInfo | None = None
        self.info_topic = node.resolve_topic_name(f'{self._prefix}camera_info') \
            if TASKS[settings.runtime.manifest.task].reads_camera_info else ''
        self.beside = NewestInputs(node)
        self._input: InputSubscription | None = None
        self._infos: Any = None
        self._made: list[Any] = []
        with ExitStack() as stack:
            output_qos = qos_profile(settings.parameters.output_qos)
            self.publishers = {
                topic: self._results(stack, form, topic, output_qos)
                for topic, form in TASKS[settings.runtime.manifest.task].topics.items()}
            self.overlay = self._results(stack, IMAGE, 'overlay', qos_profile('DEFAULT'))
            self._label_info = self._publisher(stack, LabelInfo, 'label_info', LATCHED)
            self._held = stack.pop_all()

    def activate(self) -> None:
        """Activate the publishers of a camera that is added to an active node."""
        for publisher in self._made:
            publisher.on_activate(None)

    def publish_labels(self, settings: StreamSettings) -> None:
        """Publish `label_info`."""
        header = Header(stamp=self._node.get_clock().now().to_msg())
        self._label_info.publish(label_info_message(
            settings.labels, header, settings.of(self.name).parameters.confidence_threshold))

    def subscribe(self, settings: StreamSettings,
                  offer: Callable[[Camera, Any, int | None], None]) -> None:
        """Pass the messages of the input topic, with their sequence numbers, to a function."""
        self.unsubscribe()
        self.beside.subscribe(settings.input.beside)
        self._input = InputSubscription(
            self._node, self.topic, settings.input,
            lambda message, number: offer(self, message, number), self.figures.losses,
            self._refuse_bytes)
        if self.info_topic:
            self._infos = self._node.create_subscription(
                CameraInfo, self.info_topic, self._calibrate, qos_profile(settings.input.qos))

    def refuse(self, error: Exception, count: str = 'bad_images') -> None:
        """Count a message that fails, and log why."""
        self.figures.counts[count] += 1
        self.last_problem = explain(error, 'a frame was skipped')
        self._node.get_logger().error(self.last_problem, throttle_duration_sec=5.0)

    def unsubscribe(self) -> None:
        """Receive no more messages; may be called twice."""
        self.beside.unsubscribe()
        if self._input:
            self._input.destroy()
            self._input = None
        if self._infos:
            self._node.destroy_subscription(self._infos)
            self._infos = None

    def close(self) -> None:
        """Destroy all topics; may be called twice."""
        self.unsubscribe()
        self._made.clear()
        self._held.close()

    def _refuse_bytes(self, error: ImageError, number: int | None) -> None:
        self.figures.arrived(number)
        self.refuse(error)

    def _calibrate(self, message: CameraInfo) -> None:
        self.camera_info = message

    def _publisher(self, stack: ExitStack, kind: Any, topic: str, qos: QoSProfile) -> Any:
        node, name = self._node, self._prefix + topic
        publisher = node.create_lifecycle_publisher(
            kind, name, qos, event_callbacks=PublisherEventCallbacks(
                incompatible_qos=lambda event: node.get_logger().error(incompatible_request(
                    node, node.resolve_topic_name(name), qos, event))))
        stack.callback(self._node.destroy_lifecycle_publisher, publisher)
        self._made.append(publisher)
        return publisher

    def _results(self, stack: ExitStack, form: MessageForm, topic: str, qos: QoSProfile
                 ) -> TopicPublisher:
        return TopicPublisher(self._publisher(stack, form.kind, topic, qos),
                              form.builder(self._node.get_logger().warning))
