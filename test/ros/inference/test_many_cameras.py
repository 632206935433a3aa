# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several cameras on one engine: topics, fairness, own parameters, added and removed live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
import numpy as np
import pytest
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSPresetProfiles, QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from support.graph import Graph
from vision_msgs.msg import Detection2DArray, LabelInfo

from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.runtime.contract import Answers, Asked
from edge_trt_ros.runtime.onnxruntime_cpu import OnnxRuntimeCpu

NAMES = ('front', 'left', 'rear')


class OneByOne(OnnxRuntimeCpu):
    """Takes batches as a GPU does, and runs their images one after the other."""

    max_batch = 4

    def __init__(self, engine: bytes, manifest: EngineManifest) -> None:
        super().__init__(engine, manifest)
        self.batches: list[int] = []

    def submit_batch(self, asked: Sequence[Asked], *, slot: int = 0) -> Answers:
        self.batches.append(len(asked))
        return tuple(answer for one in asked for answer in super(
            OneByOne, self).submit_batch([one], slot=slot))


class CameraPeer:
    """Publishes images of one camera and collects its detections."""

    def __init__(self, ros: Graph, name: str) -> None:
        self.ros, self.name = ros, name
        self.found: list[Detection2DArray] = []
        self.images = ros.peer.create_publisher(
            Image, f'{name}/image', QoSPresetProfiles.SENSOR_DATA.value)
        ros.peer.create_subscription(Detection2DArray, f'{name}/detections', self.found.append, 50)

    def send(self, size_wh: tuple[int, int] = (160, 90), encoding: str = 'bgr8') -> Header:
        self.ros.until(self.images.get_subscription_count)
        shape = (*size_wh[::-1], 3) if encoding != 'mono8' else size_wh[::-1]
        pixels = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
        header = Header(stamp=self.ros.peer.get_clock().now().to_msg(), frame_id=self.name)
        self.images.publish(image_message(pixels, header, encoding))
        return header

    def answer(self, **fields: Any) -> Detection2DArray:
        header = self.send(**fields)
        self.ros.until(lambda: any(message.header == header for message in self.found))
        return next(message for message in self.found if message.header == header)


@pytest.fixture()
def peers(ros: Graph) -> dict[str, CameraPeer]:
    return {name: CameraPeer(ros, name) for name in NAMES}


def test_each_camera_has_its_topics(
        ros: Graph, active_node: Callable[..., InferenceNode], peers: dict[str, CameraPeer]
        ) -> None:
    node = active_node(cameras=list(NAMES))
    for name, size_wh, encoding in (('front', (160, 90), 'bgr8'), ('left', (320, 240), 'rgb8'),
                                    ('rear', (77, 33), 'mono8')):
        message = peers[name].answer(size_wh=size_wh, encoding=encoding)
        assert message.header.frame_id == name
        assert all(detection.bbox.center.position.x < size_wh[0]
                   for detection in message.detections)
    labels: list[LabelInfo] = []
    ros.peer.create_subscription(LabelInfo, 'rear/label_info', labels.append, QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.until(lambda: labels)
    assert ros.peer.count_publishers('detections') == 0
    counts = {name: camera.figures.counts for name, camera in node._stream.cameras.items()}
    assert all(counts[name]['received'] == counts[name]['published'] == 1 for name in NAMES)


def test_cameras_have_their_own_parameters_and_diagnostics(
        ros: Graph, active_node: Callable[..., InferenceNode], peers: dict[str, CameraPeer]
        ) -> None:
    node = active_node(cameras=['front', 'left'], left__confidence_threshold=1.0)
    every = len(peers['front'].answer().detections)
    assert every and len(peers['left'].answer().detections) == 0
    assert node.set_parameters_atomically([
        Parameter('left.confidence_threshold', value=-1.0),
        Parameter('front.class_names', value=['car']),
        Parameter('front.max_rate_hz', value=1000.0)]).successful
    assert len(peers['left'].answer().detections) == every
    assert len(peers['front'].answer().detections) == 0
    for name, value, sentence in (('front.class_names', ['unicorn'], 'unicorn'),
                                  ('front.confidence_threshold', 2.0, '2.0'),
                                  ('cameras', ['a b'], "'a b'"), ('cameras', ['a', 'a'], 'twice')):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert not result.successful and sentence in result.reason, name
    statuses: dict[str, dict[str, str]] = {}

    def take(message: DiagnosticArray) -> None:
        statuses.update({status.name: {entry.key: entry.value for entry in status.values}
                         for status in message.status})
    ros.peer.create_subscription(DiagnosticArray, '/diagnostics', take, 10)
    ros.until(lambda: 'inference: left' in statuses)
    assert statuses['inference: front']['topic'] == '/front/image'
    assert statuses['inference: left']['published'] == '2'


def test_cameras_are_added_and_removed_while_the_node_runs(
        ros: Graph, active_node: Callable[..., InferenceNode], peers: dict[str, CameraPeer]
        ) -> None:
    node = active_node()
    ros.answer()
    for names in (['front'], ['front', 'left'], ['rear', 'left'], ['rear']):
        assert node.set_parameters([Parameter('cameras', value=names)])[0].successful
        for name in names:
            peers[name].answer()
        for name in set(NAMES) - set(names):
            ros.until(lambda: not peers[name].images.get_subscription_count())
    assert node.set_parameters([Parameter('rear.max_rate_hz', value=0.0)])[0].successful
    assert ros.call(Trigger, 'inference/reload').success
    peers['rear'].answer()
    assert node.set_parameters([Parameter('cameras', value=[])])[0].successful
    ros.answer()
    node.trigger_deactivate()
    assert node.set_parameters([Parameter('cameras', value=['front'])])[0].successful
    node.trigger_activate()
    peers['front'].answer()
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert not [name for name, _ in ros.peer.get_publisher_names_and_types_by_node(
        'inference', '/') if 'detections' in name]


def test_cameras_that_wait_run_as_one_batch(
        ros: Graph, active_node: Callable[..., InferenceNode], peers: dict[str, CameraPeer],
        engine: Path) -> None:
    node = active_node(cameras=list(NAMES), left__confidence_threshold=1.0)
    stream = node._stream
    alone = {name: len(peers[name].answer().detections) for name in NAMES}
    assert alone['front'] == alone['rear'] > 0 == alone['left']
    runtime = OneByOne(*read_engine(engine))
    stream.swap(replace(stream.settings, opened=replace(stream.settings.opened, runtime=runtime)))
    broken = image_message(np.zeros((9, 16, 3), np.uint8), Header())
    broken.step = 1
    counts = {name: stream.cameras[name].figures.counts for name in NAMES}
    with stream._in_work:  # the worker waits with its first image, and the others behind it
        peers['left'].send()
        ros.until(lambda: counts['left']['received'] == 2)
        peers['left'].images.publish(broken)
        peers['front'].send()
        peers['rear'].send()
        ros.until(lambda: [counts[name]['received'] for name in NAMES] == [2, 3, 2])
    ros.until(lambda: all(len(peers[name].found) == 2 for name in NAMES))
    assert runtime.batches == [1, 2]
    for name in ('front', 'rear'):
        assert len(peers[name].found[1].detections) == alone[name]
    assert stream.cameras['left'].figures.counts['bad_images'] == 1


def test_a_broken_camera_does_not_disturb_the_others(
        ros: Graph, active_node: Callable[..., InferenceNode], peers: dict[str, CameraPeer]
        ) -> None:
    node = active_node(cameras=list(NAMES))
    broken = image_message(np.zeros((9, 16, 3), np.uint8), Header())
    broken.step = 1
    for _ in range(5):
        peers['front'].images.publish(broken)
        peers['left'].answer()
    cameras = node._stream.cameras
    assert cameras['front'].figures.counts['bad_images'] and cameras['front'].last_problem
    assert not cameras['left'].last_problem
    assert cameras['left'].figures.counts['published'] == 5
