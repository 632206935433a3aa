# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Topics of the inference node for tasks other than detection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Float32MultiArray
from std_srvs.srv import Trigger
from support.graph import Graph
from support.models import dense_model, save
from support.task_models import convolution_model, segment_model
from vision_msgs.msg import Classification, Detection2DArray

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.messages.detections import DETECTIONS
from edge_trt_ros.ros.tasks import TASKS


def answers(ros: Graph, folder: Path, model: onnx.ModelProto, topics: dict[str, Any],
            options: BuildOptions = BuildOptions(), **parameters: Any) -> list[Any]:
    """Run a network on one image; return the image and the first message of each topic."""
    engine = folder / 'tiny.engine'
    build_engine(save(model, folder / 'tiny.onnx'), engine, options)
    node = ros.add(InferenceNode, engine_file_path=str(engine), **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    found: dict[str, list[Any]] = {topic: [] for topic in topics}
    for topic, kind in topics.items():
        ros.peer.create_subscription(kind, topic, found[topic].append, 10)
    ros.until(lambda: all(ros.peer.count_publishers(topic) for topic in topics))
    ros.spin(0.5)
    image = ros.send()
    ros.until(lambda: all(found.values()))
    return [image, *(messages[0] for messages in found.values())]


def test_classifier_publishes_the_top_k_classes(ros: Graph, tmp_path: Path) -> None:
    model = convolution_model((1, 10), {'task': 'classify'})
    image, message, _ = answers(ros, tmp_path, model, {
        'classification': Classification, 'overlay': Image}, top_k=4)
    assert message.header == image.header and len(message.results) == 4
    scores = [result.score for result in message.results]
    assert scores == sorted(scores, reverse=True) and 0 < sum(scores) <= 1
    assert {result.class_id for result in message.results} <= set('0123456789')
    # Topics depend on the task, so reload rejects an engine of another task.
    build_engine(save(convolution_model((1, 4, 8, 8), {'task': 'semantic'}), tmp_path / 'o.onnx'),
                 tmp_path / 'tiny.engine', BuildOptions())
    answer = ros.call(Trigger, '/inference/reload')
    assert not answer.success and "task 'semantic'" in answer.message


@pytest.mark.parametrize('resolution, size_hw', [('source', (90, 160)), ('network', (10, 16))])
@pytest.mark.parametrize('classes, encoding', [(5, 'mono8'), (300, 'mono16')])
def test_semantic_mask(ros: Graph, tmp_path: Path, resolution: str, size_hw: tuple[int, int],
                       classes: int, encoding: str) -> None:
    model = convolution_model((1, classes, 16, 16), {'task': 'semantic'})
    image, mask, color, confidence = answers(
        ros, tmp_path, model, {'mask': Image, 'mask_color': Image, 'confidence': Image},
        mask_resolution=resolution)
    assert confidence.header == image.header and confidence.encoding == 'mono8'
    assert (confidence.height, confidence.width) == size_hw
    assert len(set(confidence.data)) > 1 and min(confidence.data) >= 255 // classes
    assert mask.header == image.header and mask.encoding == encoding
    assert (mask.height, mask.width) == size_hw == (color.height, color.width)
    assert mask.step == mask.width * (2 if encoding == 'mono16' else 1)
    values = np.frombuffer(mask.data, np.uint16 if encoding == 'mono16' else np.uint8)
    assert values.size == size_hw[0] * size_hw[1] and values.max() < classes
    assert color.encoding == 'bgr8'


def test_raw_tensors_have_labelled_dimensions(ros: Graph, tmp_path: Path) -> None:
    model = convolution_model((1, 4, 8, 2), {})
    _, message = answers(ros, tmp_path, model, {'tensors': Float32MultiArray},
                         BuildOptions(task='tensors'))
    assert [(dim.label, dim.size, dim.stride) for dim in message.layout.dim] == [
        ('output0/0', 1, 64), ('output0/1', 4, 64), ('output0/2', 8, 16), ('output0/3', 2, 2)]
    assert len(message.data) == 64


@pytest.mark.parametrize('limit, encoding', [(200, 'mono8'), (300, 'mono16')])
def test_instance_mask_contains_detection_ids(
        ros: Graph, tmp_path: Path, limit: int, encoding: str) -> None:
    image, found, mask = answers(
        ros, tmp_path, segment_model(), {'detections': Detection2DArray, 'mask': Image},
        max_detections=limit, confidence_threshold=0.1)
    assert mask.header == image.header == found.header and mask.encoding == encoding
    assert (mask.height, mask.width) == (90, 160)
    values = np.frombuffer(mask.data, np.uint16 if limit > 255 else np.uint8).reshape(90, 160)
    boxes = {int(detection.id): detection.bbox for detection in found.detections}
    ids = set(np.unique(values).tolist()) - {0}
    assert ids and ids <= set(boxes)
    for detection_id in ids:
        rows, columns = np.nonzero(values == detection_id)
        box = boxes[detection_id]
        assert np.abs(columns + .5 - box.center.position.x).max() <= box.size_x / 2 + .001
        assert np.abs(rows + .5 - box.center.position.y).max() <= box.size_y / 2 + .001


def test_keypoints_are_an_organised_cloud(ros: Graph, tmp_path: Path) -> None:
    model = dense_model(classes=1 + 15, metadata={'task': 'pose', 'kpt_shape': '[5, 3]'})
    image, found, cloud, _ = answers(
        ros, tmp_path, model, {'detections': Detection2DArray, 'keypoints': PointCloud2,
                               'overlay': Image}, confidence_threshold=0.1)
    assert cloud.header == image.header == found.header
    assert (cloud.height, cloud.width) == (len(found.detections), 5) and cloud.height
    assert [field.name for field in cloud.fields] == ['x', 'y', 'score']
    values = np.frombuffer(cloud.data, np.float32).reshape(cloud.height, 5, 3)
    assert cloud.row_step * cloud.height == len(cloud.data) and np.isfinite(values).all()
    assert 0 <= values[..., 2].min() and values[..., 2].max() <= 1


def test_oriented_boxes_have_a_theta(ros: Graph, tmp_path: Path) -> None:
    model = dense_model(classes=3 + 1, metadata={'task': 'obb'})
    image, found, _ = answers(
        ros, tmp_path, model, {'detections': Detection2DArray, 'overlay': Image},
        confidence_threshold=0.1)
    assert found.header == image.header and found.detections
    assert {detection.bbox.center.theta for detection in found.detections} != {0.0}
    assert all(detection.bbox.size_x > 0 and detection.bbox.size_y > 0
               for detection in found.detections)


def test_another_layout_falls_back_to_objects(
        ros: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str]) -> None:
    other = replace(DETECTIONS, as_bytes=lambda *values: DETECTIONS.as_bytes(*values) + bytes(4))
    monkeypatch.setattr('edge_trt_ros.ros.inference.camera.TASKS', {
        'detect': replace(TASKS['detect'], topics={'detections': other})})
    image, message = answers(ros, tmp_path, dense_model(), {'detections': Detection2DArray},
                             confidence_threshold=0.1)
    assert message.header == image.header and message.detections
    log = capfd.readouterr().err
    assert 'Detection2DArray is published from Python objects' in log and 'probe message' in log
