# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Images that the inference node receives: formats, invalid images, dropped images."""

from __future__ import annotations

from collections.abc import Callable
import threading
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image
from support.graph import Graph
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.ros.inference.node import InferenceNode


def test_detections_are_in_source_pixels(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    active_node()
    message = ros.answer()
    assert message.header.frame_id == 'camera'
    assert message.detections
    for detection in message.detections:
        centre, box = detection.bbox.center.position, detection.bbox
        assert 0 <= centre.x - box.size_x / 2 and centre.x + box.size_x / 2 <= 160.001
        assert 0 <= centre.y - box.size_y / 2 and centre.y + box.size_y / 2 <= 90.001
        assert detection.results[0].hypothesis.class_id in ('car', 'truck', 'pedestrian')
        assert 0.1 <= detection.results[0].hypothesis.score <= 1
        assert detection.header == message.header


def test_no_detections_are_published_as_an_empty_message(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    assert node.set_parameters([Parameter('confidence_threshold', value=1.0)])[0].successful
    assert list(ros.answer().detections) == []


@pytest.mark.parametrize('fields, sentence', [
    ({'height': 0, 'width': 0}, 'size 0x0'),
    ({'step': 100}, 'step is 100'),
    ({'height': 900}, 'cut short'),
    ({'encoding': 'klingon8'}, "encoding 'klingon8'"),
    ({'is_bigendian': 7}, 'is_bigendian'),
])
def test_invalid_image_is_reported_and_skipped(
        ros: Graph, active_node: Callable[..., InferenceNode], fields: dict[str, Any],
        sentence: str) -> None:
    node = active_node()
    ros.answer()
    ros.send(**fields)
    ros.until(lambda: node._stream.cameras[''].figures.counts['bad_images'])
    assert sentence in node._stream.cameras[''].last_problem
    ros.answer()


def test_resolution_and_encoding_may_change_between_images(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    active_node()
    random = np.random.default_rng(2)
    for shape, encoding in (((90, 160, 3), 'bgr8'), ((480, 640, 3), 'rgb8'), ((91, 33), 'mono8'),
                            ((64, 64, 4), 'bgra8'), ((60, 90), 'nv12'), ((40, 64, 2), 'yuv422'),
                            ((40, 64, 2), 'yuv422_yuy2'), ((1, 1, 3), 'bgr8')):
        image = random.integers(0, 256, shape, np.uint8)
        fields = {'height': 40} if encoding == 'nv12' else {}
        ros.answer(image, encoding=encoding, **fields)


def test_row_padding_is_skipped(
        ros: Graph, active_node: Callable[..., InferenceNode], picture: np.ndarray) -> None:
    active_node()
    padded = np.zeros((90, 200, 3), np.uint8)
    padded[:, :160] = picture
    plain, wide = ros.answer(picture), ros.answer(padded, width=160)
    assert [detection.bbox for detection in plain.detections] == [
        detection.bbox for detection in wide.detections]


def test_nan_output_is_reported_and_not_published(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    collect = node._stream.settings.runtime.collect

    def broken(ticket: Any) -> Any:
        outputs = dict(collect(ticket))
        outputs['checksum'] = np.array([np.nan], np.float32)
        return outputs
    node._stream.settings.runtime.collect = broken
    ros.send()
    ros.until(lambda: node._stream.cameras[''].figures.counts['bad_results'])
    assert 'NaN or infinite' in node._stream.cameras[''].last_problem and ros.detections == []
    node._stream.settings.runtime.collect = collect
    ros.answer()


def test_waiting_images_are_dropped_for_the_newest(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    ros.answer()
    began, release = threading.Event(), threading.Event()
    collect = node._stream.settings.runtime.collect

    def slow(ticket: Any) -> Any:
        began.set()
        release.wait(10)
        return collect(ticket)
    node._stream.settings.runtime.collect = slow
    received = node._stream.cameras[''].figures.counts['received']
    sent = [ros.send()]
    ros.until(began.is_set)
    for number in range(2, 7):
        sent.append(ros.send())
        ros.until(lambda: node._stream.cameras[''].figures.counts['received'] == received + number)
    release.set()
    ros.until(lambda: ros.detections[-1].header.stamp == sent[-1].header.stamp)
    stamps = [message.header.stamp for message in ros.detections]
    assert sent[0].header.stamp in stamps and sent[2].header.stamp not in stamps
    assert node._stream.cameras[''].figures.counts['dropped_for_newer'] == 4


def test_images_older_than_the_maximum_age_are_dropped(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node(max_frame_age_ms=50.0)
    message = ros.send()
    message.header.stamp.sec -= 1
    ros.images.publish(message)
    ros.until(lambda: node._stream.cameras[''].figures.counts['dropped_for_age'])


def test_incompatible_qos_is_logged(
        ros: Graph, active_node: Callable[..., InferenceNode],
        capfd: pytest.CaptureFixture[str]) -> None:
    active_node(input_qos='DEFAULT')
    ros.peer.create_publisher(Image, 'image', QoSProfile(
        depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    text: list[str] = []

    def logged() -> bool:
        text.append(capfd.readouterr().err)
        return 'does not satisfy our profile DEFAULT' in ''.join(text)
    ros.until(logged)
    assert 'peer (reliability BEST_EFFORT, durability VOLATILE)' in ''.join(text)


def test_an_incompatible_subscription_of_the_results_is_logged(
        ros: Graph, active_node: Callable[..., InferenceNode],
        capfd: pytest.CaptureFixture[str]) -> None:
    active_node()
    ros.peer.create_subscription(
        Detection2DArray, 'detections', lambda message: None,
        QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    text: list[str] = []

    def logged() -> bool:
        text.append(capfd.readouterr().err)
        return 'a subscription on /detections requests a DURABILITY' in ''.join(text)
    ros.until(logged)
    assert 'our profile (reliability RELIABLE, durability VOLATILE)' in ''.join(text)
    assert 'peer (reliability RELIABLE, durability TRANSIENT_LOCAL)' in ''.join(text)


def test_bytes_that_are_no_image_cost_only_themselves(
        ros: Graph, active_node: Callable[..., InferenceNode]) -> None:
    node = active_node()
    publisher = ros.peer.create_publisher(Image, 'image', 10)
    ros.until(publisher.get_subscription_count)
    publisher.publish(b'\0\1\0\0' + b'\xff' * 50)
    counts = node._stream.cameras[''].figures.counts
    ros.until(lambda: counts['bad_images'])
    assert counts['received'] == 1
    assert 'not an image message' in node._stream.cameras[''].last_problem
    assert ros.answer().detections


def test_compressed_images_larger_than_the_limit_are_skipped(
        ros: Graph, active_node: Callable[..., InferenceNode], picture: np.ndarray) -> None:
    node = active_node(image_transport='compressed', max_image_megapixels=0.1)
    publisher = ros.peer.create_publisher(CompressedImage, 'image/compressed', 10)
    ros.until(publisher.get_subscription_count)
    large = cv2.imencode('.png', np.zeros((400, 300, 3), np.uint8))[1].tobytes()
    publisher.publish(CompressedImage(format='png', data=large))
    ros.until(lambda: node._stream.cameras[''].figures.counts['bad_images'])
    assert 'size 300x400, expected at most 0.1 megapixels' in node._stream.cameras[''].last_problem
    for name in ('jpeg', 'bgr8; jpeg compressed bgr8'):
        ros.detections.clear()
        publisher.publish(CompressedImage(
            format=name, data=cv2.imencode('.jpg', picture)[1].tobytes()))
        ros.until(lambda: ros.detections)
