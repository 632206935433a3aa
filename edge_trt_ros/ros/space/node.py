# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The node that computes 3D positions of detections from depth images.

It is separate from the inference node: it works with any detector, needs no GPU and no lifecycle,
and a missing depth camera does not block the detector.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSPresetProfiles
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.errors import ConfigurationError, ImageError
from edge_trt_ros.ros.messages.depth import camera_from_info, depth_from_image
from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.ros.messages.points import POINTS
from edge_trt_ros.ros.messages.space import DETECTIONS_3D, obstacle_points
from edge_trt_ros.ros.node.parameters import DeclaredParameters, unknown_parameters
from edge_trt_ros.ros.node.status_messages import (diagnostics_message, ERROR, OK, status_message,
                                                   WARN)
from edge_trt_ros.ros.node.steady import create_steady_timer
from edge_trt_ros.ros.space.parameters import Detections3DParameters
from edge_trt_ros.ros.space.stamp_pairs import pair_by_stamp
from edge_trt_ros.vision.space import boxes_in_space

# At 30 Hz one second, several times the latency of a detector.
_KEPT_MESSAGES = 30


class Detections3DNode(Node):
    """Publishes `detections_3d` and `obstacles` from detections, depth and camera_info."""

    def __init__(self, **node_arguments: Any) -> None:
        super().__init__('detections_3d', **node_arguments)
        self._declared = DeclaredParameters(self, Detections3DParameters)
        unknown = unknown_parameters(self, self._declared.names)
        if unknown:
            raise ConfigurationError(f"{'; '.join(unknown)}: correct the launch or YAML file")
        self._settings = self._declared.read()
        self.add_on_set_parameters_callback(self._check_parameters)
        self.add_post_set_parameters_callback(self._tune)
        self._info: CameraInfo | None = None
        self.counts: Counter[str] = Counter()
        self._reported: Counter[str] = Counter()
        self.last_problem = ''
        self._found = self._publisher(DETECTIONS_3D, 'detections_3d')
        self._obstacles = self._publisher(POINTS, 'obstacles')
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._pair_detections, self._pair_depth = pair_by_stamp(
            self._place, self._settings.max_stamp_difference_ms / 1e3, _KEPT_MESSAGES)
        sensor = QoSPresetProfiles.SENSOR_DATA.value
        self.create_subscription(Detection2DArray, 'detections', self._on_detections, sensor)
        self.create_subscription(Image, 'depth/image', self._on_depth, sensor)
        self.create_subscription(CameraInfo, 'camera_info', self._on_info, sensor)
        create_steady_timer(self, 1.0, self._report)

    def release(self) -> None:
        """Do nothing: the node holds no resources."""

    def _publisher(self, form: MessageForm, topic: str) -> TopicPublisher:
        return TopicPublisher(self.create_publisher(form.kind, topic, 10),
                              form.builder(self.get_logger().warning))

    def _on_detections(self, message: Detection2DArray) -> None:
        self.counts['detections'] += 1
        self._pair_detections(message)

    def _on_depth(self, message: Image) -> None:
        self.counts['depth_images'] += 1
        self._pair_depth(message)

    def _on_info(self, message: CameraInfo) -> None:
        self._info = message

    def _place(self, detections: Detection2DArray, image: Image) -> None:
        self.counts['pairs'] += 1
        if self._info is None:
            return
        try:
            _check_frames(detections.header, image.header, self._info.header)
            camera = camera_from_info(self._info, self.resolve_topic_name('camera_info'))
            depth, unit_m = depth_from_image(image, self.resolve_topic_name('depth/image'))
            if camera.size_wh != (image.width, image.height):
                raise ImageError(
                    f'depth has {image.width}x{image.height} pixels and the camera of camera_info '
                    f'{camera.size_wh[0]}x{camera.size_wh[1]}: use the depth that is registered '
                    'to the colour image, and the camera_info of the colour image')
        except ImageError as error:
            self.last_problem = str(error)
            self.counts['bad_images'] += 1
            return
        places = boxes_in_space(depth, unit_m, [
            (box.center.position.x - box.size_x / 2, box.center.position.y - box.size_y / 2,
             box.center.position.x + box.size_x / 2, box.center.position.y + box.size_y / 2)
            for box in (detection.bbox for detection in detections.detections)], camera,
            (self._settings.min_depth_m, self._settings.max_depth_m))
        self.counts['placed'] += len(places) - places.count(None)
        self.counts['without_depth'] += places.count(None)
        self._found.publish(detections, places)
        if self._obstacles.get_subscription_count():
            self._obstacles.publish(obstacle_points(places), detections.header, 'xyz')

    def _check_parameters(self, changes: list[Parameter]) -> SetParametersResult:
        result = self._declared.check_change(
            changes, locked='when the node starts: start it with the new value')
        if result.successful:
            try:
                self._declared.changed(changes)
            except ConfigurationError as error:
                return SetParametersResult(successful=False, reason=str(error))
        return result

    def _tune(self, changes: list[Parameter]) -> None:
        self._settings = self._declared.read()

    def _report(self) -> None:
        since = self.counts - self._reported
        self._reported = self.counts.copy()
        missing = [topic for topic, absent in (
            ('detections', not since['detections']), ('depth/image', not since['depth_images']),
            ('camera_info', self._info is None)) if absent]
        level, text = OK, f"{since['placed']} objects placed in the last second"
        if since['bad_images']:
            level, text = ERROR, self.last_problem
        elif missing:
            topics = ', '.join(map(self.resolve_topic_name, missing))
            level, text = WARN, f'no messages on {topics}'
        elif not since['pairs']:
            level, text = WARN, (
                'no depth has a stamp within '
                f'{self._settings.max_stamp_difference_ms:.0f} ms of the detections: do both '
                'cameras stamp with the same clock?')
        name = self.get_fully_qualified_name().lstrip('/')
        self._diagnostics.publish(diagnostics_message(self.get_clock().now().to_msg(), [
            status_message(level, f'{name}: detections in space', text, '', dict(self.counts))]))


def _check_frames(detections: Header, depth: Header, camera: Header) -> None:
    """Reject messages of different cameras; a frame that is not set is not compared."""
    frames = {header.frame_id for header in (detections, depth, camera) if header.frame_id}
    if len(frames) > 1:
        raise ImageError(
            f"the detections are in the frame '{detections.frame_id}', depth in "
            f"'{depth.frame_id}' and camera_info in '{camera.frame_id}': use the depth that is "
            'registered to the colour image, and the camera_info of the colour image')
