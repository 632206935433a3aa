# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Topics of the inference node for depth networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, Image
from support.graph import Graph
from support.models import save
from support.task_models import convolution_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.messages.depth import camera_from_info, depth_from_image

CALIBRATION = CameraInfo(
    width=160, height=90, distortion_model='plumb_bob', d=[0.1, 0.0, 0.0, 0.0, 0.0],
    k=[100.0, 0.0, 79.5, 0.0, 110.0, 44.5, 0.0, 0.0, 1.0],
    p=[100.0, 0.0, 79.5, 0.0, 0.0, 110.0, 44.5, 0.0, 0.0, 0.0, 1.0, 0.0])


def start(ros: Graph, folder: Path, kind: str, **parameters: Any) -> dict[str, list[Any]]:
    """Run a depth network; return the lists that messages arrive in."""
    model = convolution_model((1, 1, 16, 16), {'task': 'depth'}, 'Sigmoid')
    build_engine(save(model, folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(backend='onnxruntime', depth=kind))
    node = ros.add(InferenceNode, engine_file_path=str(folder / 'm.engine'), **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    found: dict[str, list[Any]] = {}
    for topic, message in (('depth/image', Image), ('depth/relative', Image),
                           ('depth/camera_info', CameraInfo), ('overlay', Image)):
        found[topic] = []
        ros.peer.create_subscription(message, topic, found[topic].append, 10)
    ros.until(lambda: all(ros.peer.count_publishers(topic) for topic in found))
    ros.spin(0.5)
    return found


@pytest.mark.parametrize('resolution, size_wh', [('source', (160, 90)), ('network', (16, 16))])
def test_metric_depth_has_the_calibration_of_its_pixels(
        ros: Graph, tmp_path: Path, resolution: str, size_wh: tuple[int, int]) -> None:
    found = start(ros, tmp_path, 'metric', mask_resolution=resolution)
    infos = ros.peer.create_publisher(CameraInfo, 'camera_info', 10)
    ros.until(infos.get_subscription_count)
    infos.publish(CALIBRATION)
    ros.spin(0.3)
    image = ros.send()
    ros.until(lambda: found['depth/camera_info'] and found['overlay'])
    depth, info = found['depth/image'][0], found['depth/camera_info'][0]
    assert depth.header == image.header == info.header and depth.encoding == '32FC1'
    assert (depth.width, depth.height) == size_wh == (info.width, info.height)
    values, unit_m = depth_from_image(depth, 'depth/image')
    assert unit_m == 1.0 and np.isfinite(values).all() and 0 < values.min() < values.max() < 1
    # A ray through the same share of both images is the same.
    pinhole = camera_from_info(info, 'depth/camera_info')
    for axis, (focal, centre) in enumerate(((100.0, 79.5), (110.0, 44.5))):
        scale = size_wh[axis] / (160, 90)[axis]
        assert pinhole.focal_xy[axis] == pytest.approx(focal * scale)
        assert pinhole.center_xy[axis] == pytest.approx((centre + 0.5) * scale - 0.5)
    assert info.distortion_model == 'plumb_bob' and list(info.d) == list(CALIBRATION.d)
    assert not found['depth/relative'] and found['overlay'][0].encoding == 'bgr8'


def test_relative_depth_is_never_published_as_metres(ros: Graph, tmp_path: Path) -> None:
    found = start(ros, tmp_path, 'relative')
    image = ros.send()
    ros.until(lambda: found['depth/relative'])
    assert found['depth/relative'][0].header == image.header
    assert found['depth/relative'][0].encoding == '32FC1'
    assert not found['depth/image'] and not found['depth/camera_info']


def test_a_missing_calibration_is_a_warning(ros: Graph, next_status: Any,
                                            tmp_path: Path) -> None:
    found = start(ros, tmp_path, 'metric')
    ros.send()
    ros.until(lambda: found['depth/image'])
    assert next_status(lambda status: 'no camera_info on /camera_info' in status.message)
    assert not found['depth/camera_info']
