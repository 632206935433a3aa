# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bags with detections: both storage formats, invalid bags and images, no partial output."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys
from time import monotonic, sleep
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BagError
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.vision.thresholds import Thresholds

pytest.importorskip('rosbags', reason='bags are read and written through rosbags')

from rosbags.highlevel import AnyReader  # noqa: E402, I100
from rosbags.rosbag2 import StoragePlugin, Writer  # noqa: E402
from rosbags.typesys import get_typestore, Stores  # noqa: E402

from edge_trt_ros.ros.bags import detect as bag_detections  # noqa: E402
from edge_trt_ros.ros.bags.detect import BagTask, detect_in_bag  # noqa: E402
from edge_trt_ros.ros.messages.image import image_message  # noqa: E402

THRESHOLDS = Thresholds(confidence=0.2)
FORMATS = {'mcap': StoragePlugin.MCAP, 'sqlite3': StoragePlugin.SQLITE3}
# Type hash of Detection2DArray in vision_msgs 4.1.1.
DETECTIONS_HASH = 'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968'


def picture(seed: int) -> np.ndarray:
    """Return blocks of colour, bgr8 (90, 160, 3)."""
    blocks = np.random.default_rng(seed).integers(0, 256, (9, 16, 3), np.uint8)
    return np.kron(blocks, np.ones((10, 10, 1), np.uint8))


def header(index: int) -> Header:
    """Return the header of an image of a bag at 10 Hz."""
    stamped = Header(frame_id='camera')
    stamped.stamp.sec, stamped.stamp.nanosec = 50 + index // 10, index % 10 * 100_000_000
    return stamped


def record(path: Path, storage: str = 'mcap', images: int = 4, compressed: bool = False,
           more: dict[str, list[Any]] | None = None) -> Path:
    """Write a bag with images on /camera/image, one every 0.1 s, and other topics."""
    types = get_typestore(Stores.ROS2_JAZZY)
    kind = 'CompressedImage' if compressed else 'Image'
    with Writer(path, version=9, storage_plugin=FORMATS[storage]) as writer:
        topic = writer.add_connection('/camera/image', f'sensor_msgs/msg/{kind}', typestore=types)
        talk = writer.add_connection('/chatter', 'std_msgs/msg/String', typestore=types)
        for index in range(images):
            if compressed:
                _, data = cv2.imencode('.png', picture(index))
                message: Any = CompressedImage(header=header(index), format='png',
                                               data=data.tobytes())
            else:
                message = image_message(picture(index), header(index))
            stamp_ns = 50_000_000_000 + index * 100_000_000 + 5_000_000
            writer.write(talk, stamp_ns - 1, serialize_message(String(data=f'before {index}')))
            writer.write(topic, stamp_ns, serialize_message(message))
        for name, messages in (more or {}).items():
            connection = writer.add_connection(
                name, f'sensor_msgs/msg/{type(messages[0]).__name__}', typestore=types)
            for message in messages:
                writer.write(connection, 60_000_000_000, serialize_message(message))
    return path


def read(path: Path) -> list[tuple[str, int, Any]]:
    """Return all messages of a bag; the reader compares the types' hashes."""
    with AnyReader([path]) as reader:
        return [(connection.topic, stamp_ns, reader.deserialize(data, connection.msgtype))
                for connection, stamp_ns, data in reader.messages()]


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('bags')
    build_engine(save(dense_model(), folder / 'm.onnx'), folder / 'm.engine', BuildOptions())
    return folder / 'm.engine'


@pytest.fixture
def runtime(engine: Path) -> Any:
    with open_network(engine).runtime as opened:
        yield opened


@pytest.mark.parametrize('storage', FORMATS)
@pytest.mark.parametrize('compressed', [False, True])
def test_bag_contains_the_source_messages_and_the_detections(
        tmp_path: Path, runtime: Runtime, storage: str, compressed: bool) -> None:
    source = record(tmp_path / 'in', storage, compressed=compressed)
    steps: list[tuple[int, int]] = []
    report = detect_in_bag(runtime, BagTask(source, tmp_path / 'out'), THRESHOLDS,
                           lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)] and report['images'] == 4
    assert (report['skipped_images'], report['topics_left_out']) == (0, [])
    suffix = {'mcap': '.mcap', 'sqlite3': '.db3'}[storage]
    assert {file.suffix for file in (tmp_path / 'out').iterdir()} == {'.yaml', suffix}
    messages = read(tmp_path / 'out')
    copied = [message for message in messages if message[0] not in ('/detections', '/label_info')]
    assert repr(copied) == repr(read(source))
    found = [(stamp_ns, message) for topic, stamp_ns, message in messages
             if topic == '/detections']
    assert len(found) == 4 and sum(len(message.detections) for _, message in found) > 0
    for index, (stamp_ns, message) in enumerate(found):
        assert stamp_ns == 50_005_000_000 + index * 100_000_000
        assert message.header.stamp.nanosec == index * 100_000_000
        assert message.header.frame_id == 'camera'
        expected, _ = detect(runtime, Frame(picture(index), 'bgr8', (160, 90)), THRESHOLDS)
        assert [detection.bbox.size_x for detection in message.detections] == pytest.approx(
            (expected.boxes_xyxy[:, 2] - expected.boxes_xyxy[:, 0]).tolist())
    (labels,) = [message for topic, _, message in messages if topic == '/label_info']
    assert [entry.class_name for entry in labels.class_map] == ['car', 'truck', 'pedestrian']
    with AnyReader([tmp_path / 'out']) as reader:
        (connection,) = [connection for connection in reader.connections
                         if connection.topic == '/detections']
        assert connection.digest == DETECTIONS_HASH


def test_bag_without_copies_contains_detections_with_track_ids(
        tmp_path: Path, runtime: Runtime) -> None:
    pytest.importorskip('edgefirst.tracker', reason='tracking needs edgefirst-tracker')
    source = record(tmp_path / 'in')
    detect_in_bag(runtime, BagTask(source, tmp_path / 'out', '/camera/image', '/camera/found',
                                   copy=False, track=True), THRESHOLDS)
    messages = read(tmp_path / 'out')
    assert {topic for topic, _, _ in messages} == {'/camera/found', '/camera/label_info'}
    ids = [detection.id for _, _, message in messages[1:] for detection in message.detections]
    assert any(ids) and all(track_id == '' or track_id.isdigit() for track_id in ids)


def test_ambiguous_and_invalid_topics_are_rejected(tmp_path: Path, runtime: Runtime) -> None:
    both = record(tmp_path / 'both', more={'/rear/image': [Image(height=1)]})
    with pytest.raises(BagError, match='has images on: /camera/image, /rear/image; give --topic'):
        detect_in_bag(runtime, BagTask(both, tmp_path / 'out'), THRESHOLDS)
    with pytest.raises(BagError, match="no images on '/front', topics .* /camera/image"):
        detect_in_bag(runtime, BagTask(both, tmp_path / 'out', '/front'), THRESHOLDS)
    with pytest.raises(BagError, match="no images on '/chatter'"):
        detect_in_bag(runtime, BagTask(both, tmp_path / 'out', '/chatter'), THRESHOLDS)
    with pytest.raises(BagError, match='has /chatter already: give another'):
        detect_in_bag(runtime, BagTask(both, tmp_path / 'out', '/camera/image', '/chatter'),
                      THRESHOLDS)
    for name in ('', '/', 'found', '/a b', '/1'):
        with pytest.raises(BagError, match='expected a name such as /camera/detections'):
            detect_in_bag(runtime, BagTask(both, tmp_path / 'out', '/camera/image', name),
                          THRESHOLDS)
    assert [path.name for path in tmp_path.iterdir()] == ['both']


def test_invalid_images_are_skipped_and_counted(tmp_path: Path, runtime: Runtime) -> None:
    bad = image_message(picture(0), header(3))
    bad.encoding = 'klingon8'
    source = record(tmp_path / 'in', images=0, more={
        '/camera': [bad, image_message(picture(1), header(4)), Image(height=5, width=5)]})
    report = detect_in_bag(runtime, BagTask(source, tmp_path / 'out', '/camera'), THRESHOLDS)
    assert (report['images'], report['skipped_images']) == (1, 2)
    assert 'klingon8' in report['first_problem']
    only_bad = record(tmp_path / 'bad', images=0, more={'/camera': [bad]})
    with pytest.raises(BagError, match='none of the 1 images on /camera can be decoded.*klingon'):
        detect_in_bag(runtime, BagTask(only_bad, tmp_path / 'none', '/camera'), THRESHOLDS)
    assert not (tmp_path / 'none').exists()


@pytest.mark.parametrize('storage', FORMATS)
def test_unreadable_bags_are_rejected(tmp_path: Path, runtime: Runtime, storage: str) -> None:
    target = tmp_path / 'out'
    with pytest.raises(BagError, match='there is no bag'):
        detect_in_bag(runtime, BagTask(tmp_path / 'none', target), THRESHOLDS)
    (tmp_path / 'empty').mkdir()
    with pytest.raises(BagError, match='cannot be read as a bag'):
        detect_in_bag(runtime, BagTask(tmp_path / 'empty', target), THRESHOLDS)
    source = record(tmp_path / 'in', storage)
    (file,) = [path for path in source.iterdir() if path.suffix != '.yaml']
    data = file.read_bytes()
    for damaged in (b'', data[:len(data) // 2], b'x' * len(data)):
        file.write_bytes(damaged)
        with pytest.raises(BagError, match='cannot be read as a bag'):
            detect_in_bag(runtime, BagTask(source, target), THRESHOLDS)
        assert sorted(path.name for path in tmp_path.iterdir()) == ['empty', 'in']


def test_existing_bag_is_kept_and_interrupted_bag_is_removed(
        tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    source = record(tmp_path / 'in')
    with pytest.raises(BagError, match='exists already'):
        detect_in_bag(runtime, BagTask(source, source), THRESHOLDS)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt
    monkeypatch.setattr(bag_detections, 'collect_detections', interrupted)
    with pytest.raises(KeyboardInterrupt):
        detect_in_bag(runtime, BagTask(source, tmp_path / 'out'), THRESHOLDS)
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_detect_bag_command(tmp_path: Path, engine: Path) -> None:
    source = record(tmp_path / 'in')

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'detect_bag',
                               *map(str, arguments)], capture_output=True, text=True, timeout=100)
    done = run(engine, source, tmp_path / 'out', '--confidence', 0.2, '--json')
    assert done.returncode == 0 and done.stderr == '', done.stderr
    report = json.loads(done.stdout)
    assert report['images'] == 4 and len(read(tmp_path / 'out')) == 4 * 3 + 1
    for arguments, status, sentence in (
            ((engine, source, tmp_path / 'out'), 1, 'exists already'),
            ((engine, tmp_path / 'none', tmp_path / 'x'), 1, 'there is no bag'),
            ((engine,), 2, 'usage')):
        done = run(*arguments)
        assert done.returncode == status and sentence in done.stderr and done.stdout == ''
        assert 'Traceback' not in done.stderr


def test_a_terminated_command_leaves_no_files(tmp_path: Path, engine: Path) -> None:
    record(tmp_path / 'in', images=3000)
    started = subprocess.Popen([
        sys.executable, '-m', 'edge_trt_ros', 'detect_bag', str(engine), str(tmp_path / 'in'),
        str(tmp_path / 'out')], stderr=subprocess.PIPE, text=True)
    deadline = monotonic() + 60
    while len(list(tmp_path.iterdir())) == 1 and monotonic() < deadline:
        sleep(0.01)
    sleep(0.2)
    started.terminate()
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 143 and 'Traceback' not in errors
    assert [path.name for path in tmp_path.iterdir()] == ['in']
