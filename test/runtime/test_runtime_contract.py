# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The runtime contract: the same tests for every runtime."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.fake_runtime import FakeRuntime
from support.frames import noise_frame
from support.gpu import GPU_MARKS
from support.models import dense_model, save
from support.tensorrt_double.machine import machine_with, VERSIONS

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import ImageError
from edge_trt_ros.runtime.contract import Runtime, Ticket
from edge_trt_ros.runtime.device_decoding import COUNTS, ROW, ROWS
from edge_trt_ros.runtime.pipeline import collect_detections, detect, warm_up
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.vision.thresholds import Thresholds

THRESHOLDS = Thresholds(confidence=0.1)


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('contract')
    build_engine(save(dense_model((96, 64)), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions())
    return folder / 'm.engine'


OPENERS: dict[str, Callable[[Path], Runtime]] = {
    'fake': lambda engine: FakeRuntime(read_engine(engine)[1]),
    'onnxruntime': lambda engine: open_runtime(engine, 'onnxruntime').runtime,
}


GPU_ENGINES = {'tensorrt': 'gpu_engine', 'tensorrt, batches': 'gpu_batch_engine'}


# On a double, kernels of heads do nothing: these tests do not show that numbers are right.
@pytest.fixture(params=[*OPENERS, *(f'double of {version}' for version in VERSIONS),
                        *(pytest.param(name, marks=GPU_MARKS) for name in GPU_ENGINES)])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    if request.param in GPU_ENGINES:
        with open_runtime(request.getfixturevalue(GPU_ENGINES[request.param])).runtime as opened:
            yield opened
        return
    if request.param not in OPENERS:
        version = request.param.rpartition(' ')[2]
        with machine_with(version, tmp_path, has_pycuda=False):
            build_engine(save(dense_model((96, 64)), tmp_path / 'm.onnx'),
                         tmp_path / 'm.engine', BuildOptions(backend='tensorrt', max_batch=3))
        with machine_with(version, tmp_path), \
                open_runtime(tmp_path / 'm.engine').runtime as opened:
            yield opened
        return
    with OPENERS[request.param](request.getfixturevalue('engine')) as opened:
        yield opened


def test_boxes_are_within_the_frame(runtime: Runtime) -> None:
    for size_wh in ((160, 90), (90, 160), (33, 7), (1, 1), (1920, 1080)):
        found, stages_ms = detect(runtime, noise_frame(size_wh), THRESHOLDS)
        assert (found.boxes_xyxy >= 0).all()
        assert (found.boxes_xyxy <= [*size_wh, *size_wh]).all()
        assert {'preprocess', 'network', 'postprocess'} <= set(stages_ms)


def test_outputs_match_the_manifest(runtime: Runtime) -> None:
    outputs = runtime.collect(runtime.submit(noise_frame(), slot=0))
    if runtime.manifest.decoding:  # the GPU decodes the head: only the detections leave it
        assert {COUNTS, ROWS} <= set(outputs)
        assert outputs[ROWS].dtype == ROW and len(outputs[ROWS]) == outputs[COUNTS][0]
        return
    assert list(outputs) == [spec.name for spec in runtime.manifest.outputs]
    for spec in runtime.manifest.outputs:
        assert outputs[spec.name].dtype.name == spec.dtype


def test_results_are_deterministic(runtime: Runtime) -> None:
    first, second = (detect(runtime, noise_frame(), THRESHOLDS, slot=slot)[0] for slot in (0, 1))
    np.testing.assert_array_equal(first.boxes_xyxy, second.boxes_xyxy)
    np.testing.assert_array_equal(first.scores, second.scores)


def test_two_frames_in_flight_are_independent(runtime: Runtime) -> None:
    frames = [noise_frame((160, 90), seed) for seed in (1, 2)]
    alone = [detect(runtime, frame, THRESHOLDS)[0] for frame in frames]
    for _ in range(20):
        tickets = [runtime.submit(frame, THRESHOLDS, slot=slot)
                   for slot, frame in enumerate(frames)]
        for ticket, expected in reversed(list(zip(tickets, alone))):
            found, _ = collect_detections(runtime, ticket)
            np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)


def test_thresholds_of_a_frame_in_flight_stay(runtime: Runtime) -> None:
    frame = noise_frame((160, 90), 1)
    kinds = [replace(THRESHOLDS, max_detections=count) for count in (3, 1)]
    alone = {kind: len(detect(runtime, frame, kind)[0]) for kind in kinds}
    for first, second in (kinds, kinds[::-1]):
        tickets = [runtime.submit(frame, thresholds, slot=slot)
                   for slot, thresholds in enumerate((first, second))]
        counts = [len(collect_detections(runtime, ticket)[0]) for ticket in tickets]
        assert counts == [alone[first], alone[second]]


def mixed_frames(count: int) -> list[Frame]:
    """Return images of different sizes and encodings."""
    sizes = [(160, 90), (33, 7), (640, 480), (64, 96), (1, 1), (1280, 720), (90, 160), (96, 64)]
    frames = [noise_frame(size_wh, seed) for seed, size_wh in enumerate(sizes[:count])]
    return [Frame(np.ascontiguousarray(frame.pixels[..., 0]), 'mono8', frame.size_wh)
            if index % 3 == 1 else Frame(frame.pixels, ('bgr8', 'rgb8')[index % 2], frame.size_wh)
            for index, frame in enumerate(frames)]


def test_batch_has_the_results_of_its_samples(runtime: Runtime) -> None:
    for count in range(1, runtime.max_batch + 1):
        asked = [(frame, Thresholds(0.1 + 0.01 * place, max_detections=300 - place))
                 for place, frame in enumerate(mixed_frames(count))]
        alone = [detect(runtime, *sample)[0] for sample in asked]
        for slot in range(runtime.slots):
            tickets = runtime.submit_batch(asked, slot=slot)
            assert len(tickets) == count
            for ticket, expected in reversed(list(zip(tickets, alone))):
                assert isinstance(ticket, Ticket)
                found, _ = collect_detections(runtime, ticket)
                np.testing.assert_array_equal(found.class_ids, expected.class_ids)
                np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
                np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)


def test_refused_sample_does_not_cost_the_others(runtime: Runtime) -> None:
    refused = (Frame(np.zeros((4, 4), np.uint8), 'unknown8', (4, 4), source='/camera'), THRESHOLDS)
    accepted = (noise_frame((160, 90)), THRESHOLDS)
    alone, _ = detect(runtime, *accepted)
    for place in range(runtime.max_batch):
        asked = [accepted] * (place + 1)
        asked[place] = refused
        answers = runtime.submit_batch(asked)
        error = answers[place]
        assert isinstance(error, ImageError) and 'unknown8' in str(error)
        for answer in answers[:place]:
            assert isinstance(answer, Ticket)
            found, _ = collect_detections(runtime, answer)
            np.testing.assert_allclose(found.boxes_xyxy, alone.boxes_xyxy, atol=1e-3)
    # A batch of which all are refused leaves the slot free.
    assert all(isinstance(answer, ImageError)
               for answer in runtime.submit_batch([refused] * runtime.max_batch))
    np.testing.assert_array_equal(detect(runtime, *accepted)[0].boxes_xyxy, alone.boxes_xyxy)


def test_number_of_samples_of_a_batch(runtime: Runtime) -> None:
    for count in (0, runtime.max_batch + 1):
        with pytest.raises(ValueError, match=f'a batch of {count} samples, expected 1 to'):
            runtime.submit_batch([(noise_frame(), THRESHOLDS)] * count)


def test_frame_is_not_modified(runtime: Runtime) -> None:
    frame = noise_frame()
    before = frame.pixels.copy()
    frame.pixels.setflags(write=False)
    detect(runtime, frame, THRESHOLDS)
    np.testing.assert_array_equal(frame.pixels, before)


def test_warm_up_and_closing_twice(runtime: Runtime) -> None:
    warm_up(runtime)
    assert runtime.device_name
    runtime.close()
    runtime.close()


def test_encodings_have_equal_results(engine: Path) -> None:
    bgr = noise_frame((160, 90)).pixels
    with open_runtime(engine).runtime as opened:
        expected, _ = detect(opened, Frame(bgr, 'bgr8', (160, 90)), THRESHOLDS)
        alpha = np.full((90, 160, 1), 77, np.uint8)
        for encoding, pixels in (('rgb8', bgr[..., ::-1]),
                                 ('bgra8', np.concatenate([bgr, alpha], 2)),
                                 ('rgba8', np.concatenate([bgr[..., ::-1], alpha], 2))):
            found, _ = detect(opened, Frame(np.ascontiguousarray(pixels), encoding, (160, 90)),
                              THRESHOLDS)
            np.testing.assert_array_equal(found.boxes_xyxy, expected.boxes_xyxy)
