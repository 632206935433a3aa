# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Several cameras on one engine: topics, fairness, own parameters, added and removed live."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
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

from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.inference.worker import NewestFrameWorker
from edge_trt_ros.ros.messages.image import image_message

NAMES = ('front', 'left', 'rear')


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


@pytest.fixture()
def worker() -> Iterator[Callable[..., NewestFrameWorker[str]]]:
    made: list[NewestFrameWorker[str]] = []

    def make(work: Callable[[str], None]) -> NewestFrameWorker[str]:
        made.append(NewestFrameWorker(work, 'test'))
        return made[-1]
    yield make
    for one in made:
        one.close()


def test_queues_take_turns_and_a_flood_drops_only_its_own(
        worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release, done = Event(), Event(), []

    def work(item: str) -> None:
        began.set()
        release.wait(10)
        done.append(item)
    queue = worker(work)
    assert not queue.offer('flood 0', 'flood')
    assert began.wait(10)
    assert not queue.offer('flood 1', 'flood')
    assert all(queue.offer(f'flood {number}', 'flood') for number in range(2, 50))
    assert not queue.offer('a', 'a') and not queue.offer('b', 'b')
    release.set()
    while len(done) < 4:
        began.wait(0.01)
    assert set(done[1:3]) == {'a', 'b'} or done[1] == 'flood 49'
    assert done[0] == 'flood 0' and sorted(done[1:]) == ['a', 'b', 'flood 49']


def test_closing_and_removing_count_the_waiting_items(
        worker: Callable[..., NewestFrameWorker[str]]) -> None:
    began, release = Event(), Event()

    def work(item: str) -> None:
        began.set()
        release.wait(10)
    queue = worker(work)
    queue.offer('x', 'a')
    assert began.wait(10)
    for name in 'abc':
        queue.offer('y', name)
    assert queue.remove('b') == 1 and queue.remove('none') == 0
    release.set()
    queue.close()


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
