"""The lifecycle node, in this process, on real rclpy and a real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re
import sys
import threading
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
import numpy as np
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image
from std_srvs.srv import SetBool, Trigger
from support.graph import Graph, graph
from support.models import dense_model, save
from vision_msgs.msg import LabelInfo

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.inference.node import InferenceNode

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as one:
        yield one


@pytest.fixture()
def engine(tmp_path: Path) -> Path:
    path = tmp_path / 'tiny.engine'
    build_engine(save(dense_model(), tmp_path / 'tiny.onnx'), path, BuildOptions())
    return path


def active(ros: Graph, engine: Path, **parameters: Any) -> InferenceNode:
    """Return a node that takes images."""
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidence_threshold=0.1,
                   **parameters)
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    return node


def test_an_image_becomes_detections_in_source_pixels(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    message = ros.answer()
    assert message.header.frame_id == 'camera'
    assert message.detections
    for one in message.detections:
        centre, box = one.bbox.center.position, one.bbox
        assert 0 <= centre.x - box.size_x / 2 and centre.x + box.size_x / 2 <= 160.001
        assert 0 <= centre.y - box.size_y / 2 and centre.y + box.size_y / 2 <= 90.001
        assert one.results[0].hypothesis.class_id in ('car', 'truck', 'pedestrian')
        assert 0.1 <= one.results[0].hypothesis.score <= 1
        assert one.header == message.header


def test_nothing_seen_is_an_empty_message(ros: Graph, engine: Path) -> None:
    node = active(ros, engine)
    assert node.set_parameters([Parameter('confidence_threshold', value=1.0)])[0].successful
    assert list(ros.answer().detections) == []


def test_ten_rounds_and_then_it_still_works(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine))
    threads = threading.active_count()
    for _ in range(10):
        assert node.trigger_configure() == SUCCESS
        assert node.trigger_activate() == SUCCESS
        assert node.trigger_deactivate() == SUCCESS
        assert node.trigger_cleanup() == SUCCESS
    assert threading.active_count() <= threads + 1
    assert node.trigger_configure() == SUCCESS
    assert node.trigger_activate() == SUCCESS
    ros.answer()


def test_ten_failures_hold_nothing(ros: Graph, engine: Path, tmp_path: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(tmp_path / 'none.engine'))
    publishers = len(list(node.publishers))
    for _ in range(10):
        assert node.trigger_configure() == FAILURE
    assert len(list(node.publishers)) == publishers
    node.set_parameters([Parameter('engine_file_path', value=str(engine))])
    assert node.trigger_configure() == SUCCESS


@pytest.mark.parametrize('how, sentence', [
    ('missing', 'there is no engine file'), ('empty', 'is empty'), ('cut', 'truncated'),
    ('flipped', 'damaged'), ('foreign', 'truncated|damaged'), ('no manifest', 'has no manifest'),
    ('newer manifest', 'schema_version 99'), ('no path', 'engine_file_path is empty'),
    ('other backend', 'built for tensorrt'),
])
def test_bad_engines_are_told_and_mended(ros: Graph, engine: Path, how: str,
                                         sentence: str) -> None:
    data, text = engine.read_bytes(), manifest_path(engine).read_text()
    node = ros.add(InferenceNode, engine_file_path='' if how == 'no path' else str(engine))
    if how == 'missing':
        engine.unlink()
    elif how == 'no manifest':
        manifest_path(engine).unlink()
    elif how == 'newer manifest':
        manifest_path(engine).write_text(
            text.replace('"schema_version": 2', '"schema_version": 99'))
    elif how == 'other backend':
        manifest_path(engine).write_text(text.replace('"onnxruntime"', '"tensorrt"'))
    else:
        engine.write_bytes({'empty': b'', 'cut': data[:100], 'foreign': b'ftrt' * 1000}.get(
            how, data[:50] + bytes([data[50] ^ 255]) + data[51:]))
    assert node.trigger_configure() == FAILURE
    status = health(ros, lambda one: one.level == DiagnosticStatus.ERROR)
    assert re.search(sentence, status.message), status.message
    engine.write_bytes(data)
    manifest_path(engine).write_text(text)
    node.set_parameters([Parameter('engine_file_path', value=str(engine))])
    assert node.trigger_configure() == SUCCESS


def test_autostart_recovers_when_the_engine_appears(ros: Graph, engine: Path) -> None:
    hidden = engine.rename(engine.with_suffix('.hidden'))
    ros.add(InferenceNode, engine_file_path=str(engine), autostart=True)
    health(ros, lambda one: 'there is no engine file' in one.message)
    hidden.rename(engine)
    ros.until(ros.images.get_subscription_count)
    ros.answer()


def test_an_onnx_without_a_manifest_is_converted(ros: Graph, engine: Path) -> None:
    active(ros, engine.with_suffix('.onnx'))
    ros.answer()


BGR = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)


@pytest.mark.parametrize('fields, sentence', [
    ({'height': 0, 'width': 0}, 'size 0x0'),
    ({'step': 100}, 'step is 100'),
    ({'height': 900}, 'cut short'),
    ({'encoding': 'klingon8'}, "encoding 'klingon8'"),
    ({'is_bigendian': 7}, 'is_bigendian'),
])
def test_bad_images_are_told_and_the_next_good_one_is_taken(
        ros: Graph, engine: Path, fields: dict[str, Any], sentence: str) -> None:
    node = active(ros, engine)
    ros.answer()
    ros.send(**fields)
    ros.until(lambda: node._stream.figures.counts['bad_images'])
    assert sentence in node._stream.last_problem
    ros.answer()


def test_resolution_and_encoding_change_mid_stream(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    random = np.random.default_rng(2)
    for shape, encoding in (((90, 160, 3), 'bgr8'), ((480, 640, 3), 'rgb8'), ((91, 33), 'mono8'),
                            ((64, 64, 4), 'bgra8'), ((60, 90), 'nv12'), ((40, 64, 2), 'yuv422'),
                            ((40, 64, 2), 'yuv422_yuy2'), ((1, 1, 3), 'bgr8')):
        image = random.integers(0, 256, shape, np.uint8)
        fields = {'height': 40} if encoding == 'nv12' else {}
        ros.answer(image, encoding=encoding, **fields)


def test_row_padding_is_honoured(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    padded = np.zeros((90, 200, 3), np.uint8)
    padded[:, :160] = BGR
    plain, wide = ros.answer(BGR), ros.answer(padded, width=160)
    assert [one.bbox for one in plain.detections] == [one.bbox for one in wide.detections]


def test_networks_that_go_wrong_are_told(ros: Graph, engine: Path, tmp_path: Path) -> None:
    node = active(ros, engine)
    good = node._stream.settings.runtime.collect

    def broken(ticket: Any) -> Any:
        outputs = dict(good(ticket))
        outputs['checksum'] = np.array([np.nan], np.float32)
        return outputs
    node._stream.settings.runtime.collect = broken
    ros.send()
    ros.until(lambda: node._stream.figures.counts['bad_results'])
    assert 'NaN or infinite' in node._stream.last_problem and ros.detections == []
    node._stream.settings.runtime.collect = good
    ros.answer()


def test_live_thresholds_and_refusals(ros: Graph, engine: Path) -> None:
    node = active(ros, engine)
    many = len(ros.answer().detections)
    for name, value, good in (
            ('max_detections', 1, True), ('confidence_threshold', 1.5, False),
            ('nms_threshold', -0.1, False), ('class_names', ['dragon'], False),
            ('engine_file_path', '/elsewhere', False), ('image_transport', 'pigeon', False),
            ('max_detections', 0, False)):
        result = node.set_parameters([Parameter(name, value=value)])[0]
        assert result.successful == good, (name, result.reason)
        assert good or result.reason
    assert len(ros.answer().detections) == 1 < many
    node.set_parameters([Parameter('max_detections', value=300),
                         Parameter('class_names', value=['truck'])])
    assert {one.results[0].hypothesis.class_id for one in ros.answer().detections} <= {'truck'}
    node.set_parameters([Parameter('class_names', value=[''])])
    assert len(ros.answer().detections) == many


def test_values_from_a_file_that_cannot_be(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidence_threshold=7.0,
                   nms_threshold='high')
    assert node.trigger_configure() == FAILURE
    assert 'confidence_threshold' in node._configure_problem
    assert 'nms_threshold' in node._configure_problem
    node.set_parameters([Parameter('confidence_threshold', value=0.5),
                         Parameter('nms_threshold', value=0.5)])
    assert node.trigger_configure() == SUCCESS


def test_unknown_parameters_are_named(ros: Graph, engine: Path) -> None:
    node = ros.add(InferenceNode, engine_file_path=str(engine), confidense_threshold=0.5)
    assert node.trigger_configure() == FAILURE
    assert "'confidense_threshold' (is 'confidence_threshold' meant?)" in node._configure_problem


def test_enable_and_disable(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    ros.answer()
    assert ros.call(SetBool, 'inference/enable', SetBool.Request(data=False)).success
    ros.until(lambda: ros.images.get_subscription_count() == 0)
    assert ros.call(SetBool, 'inference/enable', SetBool.Request(data=True)).success
    ros.answer()


def test_reload_swaps_and_keeps_the_old_one_on_failure(ros: Graph, engine: Path) -> None:
    node = active(ros, engine)
    first = ros.answer()
    onnx = engine.with_suffix('.onnx')
    build_engine(save(dense_model(weight=9.0), onnx), engine, BuildOptions())
    answer = ros.call(Trigger, 'inference/reload')
    assert answer.success and 'is in use' in answer.message
    second = ros.answer()
    assert [one.bbox for one in first.detections] != [one.bbox for one in second.detections]
    engine.write_bytes(b'ruined')
    answer = ros.call(Trigger, 'inference/reload')
    assert not answer.success and 'the old engine goes on' in answer.message
    assert [one.bbox for one in ros.answer().detections] == [
        one.bbox for one in second.detections]
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert 'configure the node' in ros.call(Trigger, 'inference/reload').message


def test_tracks_keep_their_ids_until_they_are_reset(ros: Graph, engine: Path) -> None:
    pytest.importorskip('edgefirst.tracker', reason='tracking needs edgefirst-tracker')
    active(ros, engine, track=True)
    first, second = ros.answer(BGR), ros.answer(BGR)
    ids = [one.id for one in first.detections]
    assert ids == [one.id for one in second.detections] and '1' in ids
    assert len([one for one in ids if one]) == len({one for one in ids if one})
    others = np.random.default_rng(9).integers(0, 256, BGR.shape, np.uint8)

    def numbers() -> list[int]:
        return sorted(int(one.id) for one in ros.answer(others).detections if one.id)
    assert max(numbers()) > len(numbers())
    assert ros.call(Trigger, 'inference/reset_tracks').success
    assert numbers() == list(range(1, len(numbers()) + 1))


def test_tracking_asked_for_and_not_there(ros: Graph, engine: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'edgefirst.tracker', None)
    node = ros.add(InferenceNode, engine_file_path=str(engine), track=True)
    assert node.trigger_configure() == FAILURE
    assert 'pip install edgefirst-tracker' in node._configure_problem
    node.set_parameters([Parameter('track', value=False)])
    assert node.trigger_configure() == SUCCESS
    assert 'nothing is tracked' in ros.call(Trigger, 'inference/reset_tracks').message


def test_the_newest_image_wins(ros: Graph, engine: Path) -> None:
    node = active(ros, engine)
    ros.answer()
    began, release = threading.Event(), threading.Event()
    good = node._stream.settings.runtime.collect

    def slow(ticket: Any) -> Any:
        began.set()
        release.wait(10)
        return good(ticket)
    node._stream.settings.runtime.collect = slow
    received = node._stream.figures.counts['received']
    sent = [ros.send()]
    ros.until(began.is_set)
    for number in range(2, 7):
        sent.append(ros.send())
        ros.until(lambda: node._stream.figures.counts['received'] == received + number)
    release.set()
    ros.until(lambda: ros.detections[-1].header.stamp == sent[-1].header.stamp)
    stamps = [one.header.stamp for one in ros.detections]
    assert sent[0].header.stamp in stamps and sent[2].header.stamp not in stamps
    assert node._stream.figures.counts['dropped_for_newer'] == 4


def test_old_images_are_dropped(ros: Graph, engine: Path) -> None:
    node = active(ros, engine, max_frame_age_ms=50.0)
    message = ros.send()
    message.header.stamp.sec -= 1
    ros.images.publish(message)
    ros.until(lambda: node._stream.figures.counts['dropped_for_age'])


def test_labels_are_latched_and_indices_on_request(ros: Graph, engine: Path) -> None:
    active(ros, engine, class_id_format='index')
    found: list[LabelInfo] = []
    ros.peer.create_subscription(LabelInfo, 'label_info', found.append, QoSProfile(
        depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
    ros.until(lambda: found)
    assert [(one.class_id, one.class_name) for one in found[0].class_map] == [
        (0, 'car'), (1, 'truck'), (2, 'pedestrian')]
    assert {one.results[0].hypothesis.class_id for one in ros.answer().detections} <= set('012')


def test_overlay_only_for_subscribers(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    ros.answer()
    overlays: list[Image] = []
    ros.peer.create_subscription(Image, 'overlay', overlays.append, 10)
    ros.until(lambda: ros.answer() and overlays)
    assert (overlays[0].width, overlays[0].height, overlays[0].encoding) == (160, 90, 'bgr8')
    assert bytes(overlays[0].data) != BGR.tobytes()


def test_diagnostics_tell_who_and_how_fast(ros: Graph, engine: Path) -> None:
    active(ros, engine)
    for _ in range(5):
        ros.answer()
    values = {entry.key: entry.value for entry in health(
        ros, lambda one: any(entry.key == 'network_ms_p99' for entry in one.values)).values}
    assert values['backend'] == 'onnxruntime' and values['backend_reason']
    assert int(values['published']) >= 5 and float(values['arrival_to_detections_ms_p50']) > 0


def test_incompatible_qos_is_told(ros: Graph, engine: Path, capfd: pytest.CaptureFixture[str]
                                  ) -> None:
    active(ros, engine, input_qos='DEFAULT')
    ros.peer.create_publisher(Image, 'image', QoSProfile(
        depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    text: list[str] = []

    def told() -> bool:
        text.append(capfd.readouterr().err)
        return 'does not satisfy our profile DEFAULT' in ''.join(text)
    ros.until(told)


def health(ros: Graph, fits: Any) -> DiagnosticStatus:
    """Return the first entry of /diagnostics that fits."""
    found: list[DiagnosticStatus] = []
    subscription = ros.peer.create_subscription(
        DiagnosticArray, '/diagnostics', lambda message: found.extend(
            one for one in message.status if fits(one)), 10)
    ros.until(lambda: found)
    ros.peer.destroy_subscription(subscription)
    return found[0]
