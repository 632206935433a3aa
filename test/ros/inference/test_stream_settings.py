# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A frame is decoded, labelled and published with one engine and one set of parameters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
import sys
from threading import Event, Thread
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from support.graph import Graph, graph
from support.models import dense_model, save
from support.task_models import convolution_model
from vision_msgs.msg import Detection2DArray

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference import stream as stream_module
from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.inference.settings import open_settings, StreamSettings
from edge_trt_ros.ros.inference.stream import InferenceStream
from edge_trt_ros.ros.messages.detections import DETECTIONS
from edge_trt_ros.ros.messages.form import TopicPublisher
from edge_trt_ros.ros.messages.image import image_message
from edge_trt_ros.ros.node.managed_node import ManagedNode

RELOADS, SWITCH_INTERVAL_S = 324, 1e-5
DEEP = QoSProfile(depth=5000)
CLASSES = {'few': 3, 'many': 80}


@pytest.fixture()
def ros() -> Iterator[Graph]:
    with graph() as one:
        yield one


@pytest.fixture(scope='module')
def engines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return two detectors whose labels have nothing in common."""
    folder = tmp_path_factory.mktemp('engines')
    for name, classes in CLASSES.items():
        labels = tuple(f'{name}_{index}' for index in range(classes))
        path = save(dense_model((64, 64), classes, metadata={}), folder / f'{name}.onnx')
        build_engine(path, folder / f'{name}.engine',
                     BuildOptions(backend='onnxruntime', labels=labels))
    return {name: folder / f'{name}.engine' for name in CLASSES}


def parameters(engine: Path, **values: Any) -> InferenceParameters:
    return InferenceParameters(engine_file_path=str(engine), **values)


def stream_of(ros: Graph, settings: StreamSettings) -> InferenceStream:
    node = ManagedNode('stream')
    ros.executor.add_node(node)
    stream = InferenceStream(node, settings)
    camera = Camera(node, '', settings)
    camera.activate()
    camera.publishers = {'detections': TopicPublisher(
        node.create_publisher(Detection2DArray, 'stream_detections', DEEP), DETECTIONS.as_bytes)}
    stream.add(camera)
    return stream


def test_no_frame_sees_half_of_a_reload(ros: Graph, engines: dict[str, Path]) -> None:
    one_box = parameters(engines['few'], confidence_threshold=0.1, max_detections=1)
    sure = parameters(engines['few'], confidence_threshold=0.5, max_detections=300)
    stream = stream_of(ros, open_settings(one_box))
    messages: list[Detection2DArray] = []
    ros.peer.create_subscription(Detection2DArray, 'stream_detections', messages.append, DEEP)
    ros.until(lambda: ros.peer.count_publishers('stream_detections'))
    ended, before = Event(), sys.getswitchinterval()
    picture = np.random.default_rng(1).integers(0, 256, (90, 160, 3), np.uint8)

    def feed() -> None:
        while not ended.is_set():
            stream.offer(stream.cameras[''], image_message(picture, Header()))
            sleep(0.0005)
    feeder = Thread(target=feed)
    stream.start()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        feeder.start()
        for index in range(RELOADS):
            name = ('many', 'few')[index % 2]
            stream.retire(stream.swap(open_settings(
                replace(one_box, engine_file_path=str(engines[name])))))
            stream.tune((sure, one_box)[index % 2])
            ros.executor.spin_once(timeout_sec=0)
    finally:
        ended.set()
        feeder.join()
        stream.close()
        sys.setswitchinterval(before)
    counts = stream.cameras[''].figures.counts
    assert (counts['failures'], counts['bad_results'], counts['bad_images']) == (0, 0, 0)
    deadline = monotonic() + 20
    while len(messages) < counts['published'] and monotonic() < deadline:
        ros.executor.spin_once(timeout_sec=0.1)
    seen = {_origin(message) for message in messages} - {''}
    assert len(messages) > 100 and seen == set(CLASSES)


def _origin(message: Detection2DArray) -> str:
    """Return the engine whose labels a message has; fail if labels or thresholds are mixed."""
    hypotheses = [found.results[0].hypothesis for found in message.detections]
    origins = {hypothesis.class_id.split('_')[0] for hypothesis in hypotheses}
    assert len(origins) <= 1, origins
    assert len(hypotheses) <= 1 or min(found.score for found in hypotheses) >= 0.5
    return next(iter(origins), '')


def test_settings_are_immutable_and_tuned_as_a_whole(engines: dict[str, Path]) -> None:
    settings = open_settings(parameters(engines['few']))
    with settings.runtime:
        with pytest.raises(FrozenInstanceError):
            settings.thresholds = None  # type: ignore[misc, assignment]
        tuned = settings.tuned(parameters(engines['few'], confidence_threshold=0.9,
                                          class_names=('few_1',), class_id_format='index'))
        assert tuned.opened is settings.opened and tuned.input is settings.input
        assert tuned.thresholds.confidence == 0.9 and settings.thresholds.confidence == 0.25
        assert tuned.thresholds.class_ids == {1} and tuned.style.class_ids == ('0', '1', '2')
        with pytest.raises(ConfigurationError, match='class_names contains unicorn'):
            settings.tuned(parameters(engines['few'], class_names=('unicorn',)))


def test_a_swap_that_does_not_fit_changes_nothing(
        ros: Graph, engines: dict[str, Path], tmp_path: Path) -> None:
    few = parameters(engines['few'], class_names=('few_0',))
    stream = stream_of(ros, open_settings(few))
    settings = stream.settings
    other = open_settings(parameters(engines['many']))
    with pytest.raises(ConfigurationError, match='class_names contains few_0'):
        stream.swap(other)
    build_engine(save(convolution_model((1, 10), {'task': 'classify'}), tmp_path / 'c.onnx'),
                 tmp_path / 'c.engine', BuildOptions(backend='onnxruntime'))
    classifier = open_settings(parameters(tmp_path / 'c.engine'))
    with pytest.raises(ConfigurationError, match="has the task 'classify' .* 'detect'"):
        stream.swap(classifier)
    assert stream.settings is settings
    for opened in (other, classifier):
        opened.runtime.close()
    stream.close()


def test_the_tokenizer_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    from support.text_models import save_text_model

    from edge_trt_ros.ros.inference import inputs
    build_engine(save_text_model(tmp_path), tmp_path / 'm.engine',
                 BuildOptions(backend='onnxruntime', input_shape=(1, 12)))
    parsed: list[object] = []
    tokens = inputs.TextTokens

    def counted(text_input: Any) -> Any:
        parsed.append(text_input)
        return tokens(text_input)
    monkeypatch.setattr(inputs, 'TextTokens', counted)
    settings = open_settings(parameters(tmp_path / 'm.engine'))
    with settings.runtime:
        for top_k in range(1, 6):
            settings = settings.tuned(parameters(tmp_path / 'm.engine', top_k=top_k))
        assert settings.thresholds.top_k == 5 and len(parsed) == 1


@pytest.fixture()
def submitting(ros: Graph, engines: dict[str, Path]) -> Iterator[tuple[InferenceStream, Any]]:
    """Return a running stream and its runtime, whose next submit waits for an event."""
    stream = stream_of(ros, open_settings(parameters(engines['few'])))
    stream.start()
    ros.until(lambda: stream._worker and stream._worker.is_idle)
    yield stream, stream.settings.runtime
    stream.close()


def test_the_subscription_waits_until_an_idle_worker_has_submitted(
        submitting: tuple[InferenceStream, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stream, runtime = submitting
    events: list[str] = []
    submit, collect = runtime.submit, runtime.collect
    collected = Event()

    def slow_submit(*arguments: Any, **options: Any) -> Any:
        sleep(0.001)
        events.append('submitted')
        return submit(*arguments, **options)

    def late_collect(ticket: Any) -> Any:
        assert collected.wait(10)
        return collect(ticket)
    monkeypatch.setattr(runtime, 'submit', slow_submit)
    monkeypatch.setattr(runtime, 'collect', late_collect)
    monkeypatch.setattr(stream_module, '_MAX_SUBMIT_S', 10)
    for name in ('first', 'second', 'third'):  # the worker is busy with the first
        stream.offer(stream.cameras[''], image_message(np.zeros((9, 16, 3), np.uint8), Header()))
        events.append(name)
    assert events == ['submitted', 'first', 'second', 'third']
    assert stream.cameras[''].figures.counts['dropped_for_newer'] == 1
    collected.set()


def test_the_subscription_does_not_wait_for_an_engine_that_hangs(
        submitting: tuple[InferenceStream, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    stream, runtime = submitting
    released = Event()
    monkeypatch.setattr(runtime, 'submit', lambda *arguments, **options: released.wait(10))
    before = monotonic()
    stream.offer(stream.cameras[''], image_message(np.zeros((9, 16, 3), np.uint8), Header()))
    assert monotonic() - before < 5
    released.set()


@pytest.mark.parametrize('message, limit_ms', [
    (Image(height=5, width=5), 0.0),
    (Image(height=1, width=1, step=3, encoding='bgr8', data=bytes(3)), 1.0)], ids=['bad', 'old'])
def test_the_subscription_does_not_wait_for_a_dropped_image(
        submitting: tuple[InferenceStream, Any], monkeypatch: pytest.MonkeyPatch,
        message: Image, limit_ms: float) -> None:
    stream, _ = submitting
    monkeypatch.setattr(stream_module, '_MAX_SUBMIT_S', 10)
    stream.tune(replace(stream.settings.parameters, max_frame_age_ms=limit_ms))
    before = monotonic()
    stream.offer(stream.cameras[''], message)
    assert monotonic() - before < 5
