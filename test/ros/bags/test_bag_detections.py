# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bags with results: both storage formats, every task, the command."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys
from time import monotonic, sleep

import cv2
import numpy as np
import onnx
import pytest
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image
from std_msgs.msg import String
from support.bags import detect_bags, FORMATS, header, picture, read, record, TASK
from support.models import dense_model, save
from support.task_models import convolution_model, segment_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.opening import open_network
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.samples import Frame

# Type hash of Detection2DArray in vision_msgs 4.1.1.
DETECTIONS_HASH = 'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968'


@pytest.mark.parametrize('storage', FORMATS)
@pytest.mark.parametrize('compressed', [False, True])
def test_bag_contains_the_source_messages_and_the_detections(
        tmp_path: Path, engine: Path, storage: str, compressed: bool) -> None:
    source = record(tmp_path / 'in', storage, compressed=compressed)
    steps: list[tuple[float, int, int]] = []
    report = detect_bags(engine, source, tmp_path / 'out',
                         progress=lambda *step: steps.append(step))
    assert steps == sorted(steps) and steps[-1] == (1.0, 1, 1) and len(steps) > 4
    counts = report.counts
    assert (counts.images, counts.skipped, counts.left_out) == (4, 0, [])
    suffix = {'mcap': '.mcap', 'sqlite3': '.db3'}[storage]
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == [
        'metadata.yaml', f'out_0{suffix}']
    messages = read(tmp_path / 'out')
    copied = [message for message in messages if message[0] not in ('/detections', '/label_info')]
    assert repr(copied) == repr(read(source))
    found = [(stamp_ns, message) for topic, stamp_ns, message in messages
             if topic == '/detections']
    assert len(found) == 4
    assert sum(len(message.detections) for _, message in found) == counts.detections > 0
    with open_network(engine).runtime as runtime:
        for index, (stamp_ns, message) in enumerate(found):
            assert stamp_ns == 50_005_000_000 + index * 100_000_000
            assert message.header.stamp.nanosec == index * 100_000_000
            assert message.header.frame_id == 'camera'
            expected, _ = detect(runtime, Frame(picture(index), 'bgr8', (160, 90)),
                                 TASK.thresholds)
            assert [detection.bbox.size_x for detection in message.detections] == pytest.approx(
                (expected.boxes_xyxy[:, 2] - expected.boxes_xyxy[:, 0]).tolist())
    (labels,) = [message for topic, _, message in messages if topic == '/label_info']
    assert [entry.class_name for entry in labels.class_map] == ['car', 'truck', 'pedestrian']
    with AnyReader([tmp_path / 'out']) as reader:
        (connection,) = [connection for connection in reader.connections
                         if connection.topic == '/detections']
        assert connection.digest == DETECTIONS_HASH


def test_bag_without_copies_contains_track_ids_and_drawings(
        tmp_path: Path, engine: Path) -> None:
    pytest.importorskip('edgefirst.tracker', reason='tracking needs edgefirst-tracker')
    source = record(tmp_path / 'in')
    detect_bags(engine, source, tmp_path / 'out', replace(
        TASK, namespace='/camera', copy=False, track=True, overlay=True))
    messages = read(tmp_path / 'out')
    assert {topic for topic, _, _ in messages} == {
        '/camera/detections', '/camera/label_info', '/camera/overlay/compressed'}
    ids = [detection.id for topic, _, message in messages if topic == '/camera/detections'
           for detection in message.detections]
    assert any(ids) and all(track_id == '' or track_id.isdigit() for track_id in ids)
    drawn = [message for topic, _, message in messages if 'overlay' in topic]
    assert [message.header.stamp.nanosec for message in drawn] == [
        index * 100_000_000 for index in range(4)]
    pixels = cv2.imdecode(drawn[0].data, cv2.IMREAD_COLOR)
    assert pixels is not None and pixels.shape == (90, 160, 3)
    assert np.abs(pixels.astype(int) - picture(0)).max() > 100


@pytest.mark.parametrize('model, options, topics', [
    (convolution_model((1, 10), {'task': 'classify'}), BuildOptions(), {'/classification'}),
    (convolution_model((1, 5, 16, 16), {'task': 'semantic'}), BuildOptions(), {'/mask'}),
    (convolution_model((1, 4, 8, 2), {}), BuildOptions(task='tensors'), {'/tensors'}),
    (segment_model(), BuildOptions(), {'/detections', '/mask'}),
    (dense_model(classes=1 + 15, metadata={'task': 'pose', 'kpt_shape': '[5, 3]'}),
     BuildOptions(), {'/detections', '/keypoints'}),
    (dense_model(classes=3 + 1, metadata={'task': 'obb'}), BuildOptions(), {'/detections'})],
    ids=['classify', 'semantic', 'tensors', 'segment', 'pose', 'obb'])
def test_every_task(tmp_path: Path, model: onnx.ModelProto, options: BuildOptions,
                    topics: set[str]) -> None:
    build_engine(save(model, tmp_path / 't.onnx'), tmp_path / 't.engine', options)
    report = detect_bags(tmp_path / 't.engine', record(tmp_path / 'in', images=2),
                         tmp_path / 'out', replace(TASK, copy=False, overlay=True))
    assert report.counts.images == 2, report.warnings()
    written = [topic for topic, _, _ in read(tmp_path / 'out')]
    assert set(written) == {*topics, '/label_info', '/overlay/compressed'}
    assert all(written.count(topic) == 2 for topic in topics)
    assert '/tensors' in topics or '/mask' in topics or report.counts.detections > 0


def test_a_text_network(tmp_path: Path) -> None:
    pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    from support.text_models import save_text_model
    build_engine(save_text_model(tmp_path), tmp_path / 't.engine',
                 BuildOptions(backend='onnxruntime', input_shape=(1, 12)))
    source = record(tmp_path / 'in', images=0, more={
        '/text': [String(data='stop now'), String(data='go')],
        '/camera': [image_message(picture(0), header(0))]})
    report = detect_bags(tmp_path / 't.engine', source, tmp_path / 'out',
                         replace(TASK, topic='/text', overlay=True))
    assert report.counts.images == report.counts.detections == 2, report.warnings()
    found = [message for topic, _, message in read(tmp_path / 'out')
             if topic == '/classification']
    assert [message.header.stamp.sec for message in found] == [60, 60]


def test_invalid_images_are_skipped_and_counted(tmp_path: Path, engine: Path) -> None:
    bad = image_message(picture(0), header(3))
    bad.encoding = 'klingon8'
    source = record(tmp_path / 'in', images=0, more={
        '/camera': [bad, image_message(picture(1), header(4)), Image(height=5, width=5)]})
    report = detect_bags(engine, source, tmp_path / 'out', replace(TASK, topic='/camera'))
    assert (report.counts.images, report.counts.skipped) == (1, 2)
    (warning,) = report.warnings()
    assert 'out: 2 images were skipped' in warning and 'klingon8' in warning


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'detect_bag',
                           *map(str, arguments)], capture_output=True, text=True, timeout=100)


def test_detect_bag_command(tmp_path: Path, engine: Path) -> None:
    source = record(tmp_path / 'in')
    done = run(engine, source, tmp_path / 'out', '--confidence', 0.2, '--json')
    assert done.returncode == 0 and done.stderr == '', done.stderr
    report = json.loads(done.stdout)
    assert report['images'] == 4 and len(read(tmp_path / 'out')) == 4 * 3 + 1
    assert report['bags'] == {'done': 1, 'skipped': 0, 'failed': 0}
    again = run(engine, source, tmp_path / 'out', '--confidence', 0.2)
    assert again.returncode == 0 and 'bags: 1 done before\nimages: 4\n' in again.stdout
    done = run(engine, source, tmp_path / 'out')  # with another threshold
    assert done.returncode == 1 and 'exists already' in done.stderr
    assert '[bag_exists]' in done.stderr and 'Traceback' not in done.stderr


@pytest.mark.parametrize('arguments, status, sentence', [
    (('m.engine', 'none', 'x'), 1, '[bag_missing]'), (('no.engine', 'in', 'x'), 1, 'no.engine'),
    (('m.engine',), 2, 'usage'), (('m.engine', 'in', 'x', '--workers', '-1'), 2, 'at least 1'),
    (('m.engine', 'in', 'x', '--namespace', 'camera'), 1, '[bag_namespace]')])
def test_command_lines_that_are_refused(arguments: tuple[str, ...], status: int, sentence: str,
                                        tmp_path: Path, engine: Path,
                                        monkeypatch: pytest.MonkeyPatch,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    from edge_trt_ros.cli import detect_bag
    record(tmp_path / 'in', images=1)
    for path in engine.parent.glob('m.engine*'):
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['detect_bag', *arguments])
    with pytest.raises(SystemExit) as caught:
        detect_bag.main()
    assert caught.value.code == status
    assert sentence in capsys.readouterr().err and not (tmp_path / 'x').exists()


def test_a_terminated_command_leaves_no_files(tmp_path: Path, engine: Path) -> None:
    record(tmp_path / 'in', images=3000)
    started = subprocess.Popen([
        sys.executable, '-m', 'edge_trt_ros', 'detect_bag', str(engine), str(tmp_path / 'in'),
        str(tmp_path / 'out')], stderr=subprocess.PIPE, text=True)
    deadline = monotonic() + 60
    # Until it writes a bag.
    while not any(tmp_path.glob('.*/**/*.*')) and monotonic() < deadline:
        sleep(0.01)
    sleep(0.2)
    started.terminate()
    _, errors = started.communicate(timeout=60)
    assert started.returncode == 143 and 'Traceback' not in errors
    assert [path.name for path in tmp_path.iterdir()] == ['in']


def test_an_engine_that_cannot_be_used_ends_the_run(tmp_path: Path, engine: Path) -> None:
    record(tmp_path / 'in')
    done = run(engine, tmp_path / 'in', tmp_path / 'out', '--backend', 'tensorrt')
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    assert 'backend is set to tensorrt' in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['in']
