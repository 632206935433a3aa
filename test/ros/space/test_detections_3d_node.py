# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node that computes 3D positions from detections and depth, on a real ROS graph."""

from __future__ import annotations

from collections.abc import Iterator
import importlib.util
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import QoSPresetProfiles
from sensor_msgs.msg import CameraInfo, Image, PointCloud2, RegionOfInterest
from std_msgs.msg import Header
from support.graph import Graph, graph
from vision_msgs.msg import Detection2DArray, Detection3DArray

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.messages.detections import detections_message
from edge_trt_ros.ros.space import stamp_pairs
from edge_trt_ros.ros.space.node import Detections3DNode
from edge_trt_ros.ros.space.stamp_pairs import pair_by_stamp
from edge_trt_ros.vision.detections import Detections

SENSOR_DATA = QoSPresetProfiles.SENSOR_DATA.value
CENTER, Z_M = (0.4, -0.2), 3.0
MATCHERS = ['own', pytest.param('message_filters', marks=pytest.mark.skipif(
    importlib.util.find_spec('message_filters') is None,
    reason='message_filters is not installed'))]


class Cameras:
    """Publishes the node's inputs and collects its detections."""

    def __init__(self, ros: Graph, **parameters: Any) -> None:
        self.ros = ros
        self.node = ros.add(Detections3DNode, **parameters)
        peer = ros.peer
        self.detections = peer.create_publisher(Detection2DArray, 'detections', 10)
        self.depth = peer.create_publisher(Image, 'depth/image', SENSOR_DATA)
        self.info = peer.create_publisher(CameraInfo, 'camera_info', SENSOR_DATA)
        self.found: list[Detection3DArray] = []
        peer.create_subscription(Detection3DArray, 'detections_3d', self.found.append, 10)
        ros.until(lambda: all(publisher.get_subscription_count() for publisher in (
            self.detections, self.depth, self.info, self.node._found)))

    def describe(self, **fields: Any) -> None:
        """Publish camera_info."""
        message = CameraInfo(width=64, height=48, p=[50., 0, 32, 0, 0, 50, 24, 0, 0, 0, 1, 0])
        for name, value in fields.items():
            setattr(message, name, value)
        self.info.publish(message)
        self.ros.until(lambda: self.node._info == message)

    def see(self, ms: int = 0) -> Header:
        """Publish a board of 0.9 m x 0.6 m, and a second detection without depth."""
        (x, y), half_wh = CENTER, (0.45, 0.3)
        box = [50 * (x - half_wh[0]) / Z_M + 32, 50 * (y - half_wh[1]) / Z_M + 24,
               50 * (x + half_wh[0]) / Z_M + 32, 50 * (y + half_wh[1]) / Z_M + 24]
        header = Header(frame_id='camera_color_optical_frame')
        header.stamp.sec, header.stamp.nanosec = 100 + ms // 1000, ms % 1000 * 1_000_000
        found = Detections(np.array([box, [0, 0, 8, 8]], np.float32),
                           np.array([0.9, 0.8], np.float32), np.array([0, 1]))
        self.detections.publish(detections_message(found, header, ('person', 'cup'), ('7', '8')))
        return header

    def measure(self, ms: int = 0, encoding: str = '16UC1', **fields: Any) -> None:
        """Publish depth: that of the board, and no depth at the second detection."""
        depth = np.full((48, 64), Z_M)
        depth[:12, :12] = 0 if encoding == '16UC1' else np.nan
        data = (depth * 1000).astype(np.uint16) if encoding == '16UC1' \
            else depth.astype(np.float32)
        message = Image(width=64, height=48, encoding=encoding, step=64 * data.itemsize,
                        data=data.tobytes())
        message.header.stamp.sec, message.header.stamp.nanosec = 100, ms * 1_000_000
        for name, value in fields.items():
            setattr(message, name, value)
        self.depth.publish(message)


@pytest.fixture
def ros() -> Iterator[Graph]:
    with graph() as started:
        yield started


@pytest.fixture
def matcher(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == 'own':
        find_spec = importlib.util.find_spec
        monkeypatch.setattr(stamp_pairs.importlib.util, 'find_spec', lambda name: (
            None if name == 'message_filters' else find_spec(name)))
    return str(request.param)


@pytest.mark.parametrize('matcher', MATCHERS, indirect=True)
@pytest.mark.parametrize('encoding', ['16UC1', '32FC1'])
def test_detection_gets_a_3d_box_and_obstacle_points(
        ros: Graph, matcher: str, encoding: str) -> None:
    cameras = Cameras(ros)
    clouds: list[PointCloud2] = []
    ros.peer.create_subscription(PointCloud2, 'obstacles', clouds.append, 10)
    ros.until(cameras.node._obstacles.get_subscription_count)
    cameras.describe()
    cameras.measure(20, encoding)
    header = cameras.see()
    ros.until(lambda: cameras.found and clouds)
    assert cameras.found[0].header == header
    (found,) = cameras.found[0].detections
    result, box = found.results[0], found.bbox
    assert (found.id, result.hypothesis.class_id, found.header) == ('7', 'person', header)
    center, size = box.center.position, box.size
    assert (center.x, center.y, center.z) == pytest.approx((*CENTER, Z_M), abs=2e-3)
    assert (size.x, size.y) == pytest.approx((0.9, 0.6), abs=2e-3)
    assert result.pose.pose.position == center and box.center.orientation.w == 1
    points = np.frombuffer(bytes(clouds[0].data), np.float32).reshape(-1, 3)
    assert clouds[0].header == header and clouds[0].width == len(points)
    assert points[:, 2] == pytest.approx(Z_M) and points[:, 1] == pytest.approx(-0.2, abs=2e-3)
    assert (points[0, 0], points[-1, 0]) == pytest.approx((-0.05, 0.85), abs=2e-3)
    assert np.diff(points[:, 0]).max() <= 0.05


@pytest.mark.parametrize('matcher', MATCHERS, indirect=True)
def test_messages_with_close_stamps_are_paired(matcher: str) -> None:
    pairs: list[tuple[int, ...]] = []
    detections, depth = pair_by_stamp(
        lambda *pair: pairs.append(tuple(message.header.stamp.nanosec for message in pair)),
        0.05, 5)

    def at(ms: int) -> Image:
        message = Image()
        message.header.stamp.nanosec = ms * 1_000_000
        return message
    for ms in (0, 33, 67, 100):
        depth(at(ms))
    detections(at(70))
    detections(at(70))  # the nearest depth is used already
    detections(at(400))  # its depth comes later
    depth(at(410))
    depth(at(700))
    detections(at(800))
    pairs_ms = [(first // 1_000_000, second // 1_000_000) for first, second in pairs]
    assert pairs_ms[::2] == [(70, 67), (400, 410)]
    assert len(pairs) == 3


def test_invalid_depth_is_reported_and_skipped(ros: Graph) -> None:
    cameras = Cameras(ros)
    cameras.describe()
    for number, (fields, sentence) in enumerate((
            ({'encoding': 'bgr8'}, "encoding 'bgr8'"), ({'step': 10}, 'do not hold'),
            ({'height': 4000}, 'do not hold'), ({'width': 0}, 'size 0x48'),
            ({'height': 24}, 'registered')), 1):
        cameras.measure(number * 100, **fields)
        cameras.see(number * 100)
        ros.until(lambda: cameras.node.counts['bad_images'] == number)
        assert sentence in cameras.node.last_problem
    cameras.describe(p=[0.0] * 12)
    cameras.measure(900)
    cameras.see(900)
    ros.until(lambda: cameras.node.counts['bad_images'] == 6)
    assert 'calibrate the camera' in cameras.node.last_problem and cameras.found == []
    cameras.describe(p=[0.0] * 12, k=[50.0, 0, 32, 0, 50, 24, 0, 0, 1])
    cameras.measure(950)
    cameras.see(950)
    ros.until(lambda: cameras.found)


def test_messages_of_different_cameras_are_rejected(ros: Graph) -> None:
    cameras = Cameras(ros)
    color = Header(frame_id='camera_color_optical_frame')
    for number, (depth, info) in enumerate((
            ('camera_depth_optical_frame', color.frame_id), (color.frame_id, 'rear_camera')), 1):
        cameras.describe(header=Header(frame_id=info))
        cameras.measure(number * 100, header=Header(
            frame_id=depth, stamp=Time(sec=100, nanosec=number * 100_000_000)))
        cameras.see(number * 100)
        ros.until(lambda: cameras.node.counts['bad_images'] == number)
        assert f"depth in '{depth}' and camera_info in '{info}'" in cameras.node.last_problem
    cameras.describe(header=color)
    cameras.measure(900, header=Header(
        frame_id=color.frame_id, stamp=Time(sec=100, nanosec=900_000_000)))
    cameras.see(900)
    ros.until(lambda: cameras.found)


def test_binning_and_region_of_interest_are_followed(ros: Graph) -> None:
    cameras = Cameras(ros)
    # The same image as in the other tests, cut out of a larger one with half of its pixels.
    cameras.describe(width=160, height=120, binning_x=2, binning_y=2,
                     roi=RegionOfInterest(x_offset=20, y_offset=10, width=128, height=96),
                     p=[100., 0, 84, 0, 0, 100, 58, 0, 0, 0, 1, 0])
    cameras.measure(20)
    cameras.see()
    ros.until(lambda: cameras.found)
    center = cameras.found[0].detections[0].bbox.center.position
    assert (center.x, center.y, center.z) == pytest.approx((*CENTER, Z_M), abs=2e-3)


def test_diagnostics_name_missing_topics_and_different_clocks(ros: Graph) -> None:
    cameras = Cameras(ros)
    texts: list[str] = []
    ros.peer.create_subscription(DiagnosticArray, '/diagnostics', lambda message: texts.extend(
        status.message for status in message.status), 10)
    ros.until(lambda: any('no messages on /detections, /depth/image' in text for text in texts))
    cameras.describe()

    def unpaired() -> bool:
        cameras.measure(0)
        cameras.see(500)
        ros.spin(0.1)
        return any('with the same clock' in text for text in texts)
    ros.until(unpaired)


def test_invalid_depth_limits_are_rejected(ros: Graph) -> None:
    node = Cameras(ros).node
    for name, value, valid in (
            ('max_depth_m', 5.0, True), ('min_depth_m', 6.0, False), ('max_depth_m', -1.0, False),
            ('max_stamp_difference_ms', 1.0, False)):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert result.successful == valid and (valid or result.reason), name
        assert name != 'max_stamp_difference_ms' or 'is read when the node starts' in result.reason
    assert node._settings.max_depth_m == 5.0
    with pytest.raises(ConfigurationError, match='max_depth_m'):
        ros.add(Detections3DNode, max_depth_mm=5.0)
