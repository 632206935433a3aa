# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that publishes images of the synthetic road, as a camera does, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.qos import QoSPresetProfiles
from std_msgs.msg import Header

from edge_trt_ros.demo.road.scene import CLASS_NAMES, Scene
from edge_trt_ros.ros.messages.detections import DETECTIONS
from edge_trt_ros.ros.messages.form import TopicPublisher
from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.node.parameters import DeclaredParameters
from edge_trt_ros.settings import check_settings, setting
from edge_trt_ros.vision.detections import Detections


@dataclass(frozen=True)
class CameraParameters:
    """Parameters of `synthetic_camera`; each field describes itself."""

    rate_hz: float = setting(30.0, 'Images per second.', limits=(0.1, 240.0))
    seed: int = setting(3, 'Seed of the synthetic road.', limits=(0, 2 ** 31 - 1))
    frame_id: str = setting('camera', 'Coordinate frame in the message headers.')

    def __post_init__(self) -> None:
        check_settings(self)


class SyntheticCamera(Node):
    """Publishes `image` with sensor QoS, as camera drivers do, and `truth` reliably."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('camera', **node_arguments)
        self._settings = DeclaredParameters(self, CameraParameters).read()
        self._scene = Scene(self._settings.seed)
        self._scene.prepare()
        warn = self.get_logger().warning
        self._images, self._truth = (
            TopicPublisher(self.create_publisher(form.kind, topic, qos), form.builder(warn))
            for form, topic, qos in ((IMAGE, 'image', QoSPresetProfiles.SENSOR_DATA.value),
                                     (DETECTIONS, 'truth', 10)))
        self._started = monotonic()
        self.create_timer(1 / self._settings.rate_hz, self._publish_frame)

    def release(self) -> None:
        """Release nothing: the node holds no resources."""

    def _publish_frame(self) -> None:
        shot = self._scene.frame(monotonic() - self._started)
        # Stamped after rendering, as at the end of an exposure: latency starts here.
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id=self._settings.frame_id)
        self._images.publish(np.ascontiguousarray(shot.image), header)
        # The score of a true object is its visible fraction.
        truth = Detections(shot.boxes_xyxy, shot.visibility, shot.class_ids)
        self._truth.publish(truth, header, CLASS_NAMES)
