# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Messages as bytes are equal to messages as objects, and unequal layouts are noticed."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from builtin_interfaces.msg import Time
from hypothesis import given, settings, strategies
import numpy as np
import pytest
from rclpy.lifecycle import LifecycleNode
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header
from support.graph import graph
from vision_msgs.msg import Detection2D, Detection2DArray, ObjectHypothesis
from vision_msgs.msg import ObjectHypothesisWithPose

from edge_trt_ros.ros.messages.camera_info import CAMERA_INFO
from edge_trt_ros.ros.messages.detections import DETECTIONS, detections_message
from edge_trt_ros.ros.messages.form import MessageForm, TopicPublisher
from edge_trt_ros.ros.messages.image import IMAGE
from edge_trt_ros.ros.messages.points import POINTS
from edge_trt_ros.ros.messages.space import DETECTIONS_3D
from edge_trt_ros.ros.tasks import TASKS
from edge_trt_ros.ros.tasks.classify import CLASSIFICATION
from edge_trt_ros.ros.tasks.tensors import TENSOR
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.space import SpaceBox
from edge_trt_ros.vision.tasks.classify import Classification

RESULTS = 10_000
Random = np.random.Generator
ALPHABET = list('abc XYZ_-0189éß漢字🚗')
# Empty, of every alignment, and long.
TEXTS = [''.join(np.random.default_rng(length).choice(ALPHABET, length))
         for length in (*range(9), *range(9), *range(9), 30, 500)]


def assert_equal(form: MessageForm, *values: Any) -> None:
    """Assert that both forms of a message have equal lengths and, when read, equal values."""
    message, written = form.as_object(*values), form.as_bytes(*values)
    assert len(written) == len(serialize_message(message))
    assert deserialize_message(written, form.kind) == message


def text(random: Random) -> str:
    return TEXTS[int(random.integers(len(TEXTS)))]


def header(random: Random) -> Header:
    return Header(stamp=Time(sec=int(random.integers(-2 ** 31, 2 ** 31)),
                             nanosec=int(random.integers(2 ** 32))), frame_id=text(random))


def boxes(random: Random, count: int, classes: int) -> Detections:
    angles = random.normal(0, 2, count).astype(np.float32)
    return Detections(
        random.normal(0, 900, (count, 4)).astype(np.float32),
        random.random(count, np.float32), random.integers(0, classes, count),
        angles_rad=angles if random.random() < 0.3 else None)


def detections(random: Random, count: int | None = None) -> tuple[Any, ...]:
    if count is None:
        count = int(random.choice([0, 1, 2, 3, 4, 9, 60], p=[.1, .35, .25, .2, .06, .035, .005]))
    labels = [text(random) for _ in range(int(random.integers(1, 6)))]
    ids = [text(random) for _ in range(count)] if random.random() < 0.5 else ()
    return boxes(random, count, len(labels)), header(random), labels, ids


def classification(random: Random) -> tuple[Any, ...]:
    count = int(random.integers(0, 7))
    labels = [text(random) for _ in range(5)]
    return (Classification(random.integers(0, 5, count), random.random(count, np.float32)),
            header(random), labels)


def image(random: Random) -> tuple[Any, ...]:
    height, width = random.integers(1, 9, 2)
    shape, dtype, encoding = [
        ((height, width), np.uint8, 'mono8'), ((height, width), np.uint16, 'mono16'),
        ((height, width, 3), np.uint8, 'bgr8')][int(random.integers(3))]
    return random.integers(0, np.iinfo(dtype).max, shape, dtype), header(random), encoding


def points(random: Random) -> tuple[Any, ...]:
    names = [text(random) for _ in range(int(random.integers(1, 5)))]
    rows, columns = random.integers(0, 5, 2)
    return random.normal(0, 9, (rows, columns, len(names))).astype(np.float32), header(
        random), names


def camera_info(random: Random) -> tuple[Any, ...]:
    region = RegionOfInterest(x_offset=int(random.integers(9)), y_offset=int(random.integers(9)),
                              width=int(random.integers(99)), height=int(random.integers(99)),
                              do_rectify=bool(random.integers(2)))
    return CameraInfo(
        width=int(random.integers(1, 99)), height=int(random.integers(1, 99)),
        distortion_model=text(random), d=array('d', random.normal(0, 1, random.integers(9))),
        k=random.normal(0, 9, 9), r=random.normal(0, 9, 9), p=random.normal(0, 9, 12),
        roi=region), header(random), tuple(random.integers(1, 99, 2).tolist())


def tensor(random: Random) -> tuple[Any, ...]:
    shape = random.integers(0, 4, int(random.integers(0, 5)))
    return text(random), random.normal(0, 9, shape).astype(np.float32)


def detections_3d(random: Random) -> tuple[Any, ...]:
    count = int(random.integers(0, 4))
    found = [Detection2D(header=header(random), id=text(random), results=[
        ObjectHypothesisWithPose(hypothesis=ObjectHypothesis(
            class_id=text(random), score=float(random.random())))
        for _ in range(int(random.integers(0, 3)))]) for _ in range(count)]
    places = [SpaceBox(tuple(random.normal(0, 9, 3).tolist()),
                       tuple(random.normal(0, 9, 3).tolist()), float(random.random()))
              if random.random() < 0.8 else None for _ in range(count)]
    return Detection2DArray(header=header(random), detections=found), places


@pytest.mark.parametrize('form, values', [
    (DETECTIONS, detections), (CLASSIFICATION, classification), (IMAGE, image), (POINTS, points),
    (TENSOR, tensor), (DETECTIONS_3D, detections_3d), (CAMERA_INFO, camera_info)],
    ids=['detections', 'classification', 'image', 'points', 'tensor', 'detections_3d',
         'camera_info'])
def test_random_results(form: MessageForm, values: Callable[[Random], tuple[Any, ...]]) -> None:
    random = np.random.default_rng(5)
    for _ in range(RESULTS):
        assert_equal(form, *values(random))


@pytest.mark.parametrize('count', [100, 299, 300, 2000])
@pytest.mark.parametrize('seed', [1, 2])
def test_many_detections(count: int, seed: int) -> None:
    assert_equal(DETECTIONS, *detections(np.random.default_rng(seed), count))


@pytest.mark.parametrize('label_length', range(9))
@pytest.mark.parametrize('frame_length', range(9))
def test_every_alignment(frame_length: int, label_length: int) -> None:
    for id_length in range(9):
        found = boxes(np.random.default_rng(1), 3, 2)
        assert_equal(DETECTIONS, found, Header(frame_id='f' * frame_length),
                     ('x' * label_length, 'y'), ('1' * id_length, '', '22'))


texts = strategies.text(strategies.characters(exclude_categories=['Cs'], exclude_characters='\0'))


@settings(deadline=None)
@given(strategies.data(), texts, strategies.lists(texts, min_size=1, max_size=4),
       strategies.integers(-2 ** 31, 2 ** 31 - 1), strategies.integers(0, 2 ** 32 - 1))
def test_hypothesis_detections(data: Any, frame_id: str, labels: list[str], sec: int,
                               nanosec: int) -> None:
    number = strategies.floats(width=32, allow_nan=False, allow_infinity=False)
    count = data.draw(strategies.integers(0, 5))
    rows = data.draw(strategies.lists(
        strategies.tuples(*[number] * 6), min_size=count, max_size=count))
    values = np.array(rows, np.float32).reshape(count, 6)
    classes = data.draw(strategies.lists(
        strategies.integers(0, len(labels) - 1), min_size=count, max_size=count))
    ids = data.draw(strategies.one_of(
        strategies.just([]), strategies.lists(texts, min_size=count, max_size=count)))
    found = Detections(values[:, :4], values[:, 4], np.array(classes, np.int64),
                       angles_rad=data.draw(strategies.sampled_from([None, values[:, 5]])))
    assert_equal(DETECTIONS, found, Header(
        stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id), labels, ids)


@pytest.mark.parametrize('form', {
    form.kind: form for task in TASKS.values() for form in task.topics.values()}.values(),
    ids=lambda form: form.kind.__name__)
def test_installed_packages_have_the_layout(form: MessageForm) -> None:
    warnings: list[str] = []
    assert form.builder(warnings.append) is form.as_bytes and not warnings


def other_values(*values: Any) -> bytes:
    found, *rest = values
    return DETECTIONS.as_bytes(replace(found, scores=found.scores / 2), *rest)


@pytest.mark.parametrize('as_bytes, reason', [
    (lambda *values: DETECTIONS.as_bytes(*values) + bytes(8), 'bytes for a probe message'),
    (lambda *values: b'', '0'),
    (other_values, 'other values'),
    (lambda *values: DETECTIONS.as_bytes(*values)[:4] + b'\xff' * 898, 'cannot read'),
])
def test_fallback_to_objects(as_bytes: Callable[..., bytes], reason: str) -> None:
    warnings: list[str] = []
    form = replace(DETECTIONS, as_bytes=as_bytes)
    assert form.builder(warnings.append) is detections_message
    assert len(warnings) == 1 and 'Detection2DArray' in warnings[0] and reason in warnings[0]


def test_an_inactive_lifecycle_publisher_drops_bytes() -> None:
    values = detections(np.random.default_rng(3), 4)
    with graph() as ros:
        node = LifecycleNode('publishing')
        ros.executor.add_node(node)
        publisher = TopicPublisher(
            node.create_lifecycle_publisher(DETECTIONS.kind, 'detections', 10),
            DETECTIONS.as_bytes)
        ros.until(publisher.get_subscription_count)
        node.trigger_configure()
        publisher.publish(*values)
        ros.spin(0.3)
        assert not ros.detections
        node.trigger_activate()
        publisher.publish(*values)
        ros.until(lambda: ros.detections)
        assert ros.detections == [detections_message(*values)]
        ros.executor.remove_node(node)
        node.destroy_node()
