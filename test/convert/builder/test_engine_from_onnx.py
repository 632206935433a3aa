# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines built by TensorRT for RTX, which needs no GPU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import time
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import deep_model, dense_model, end_to_end_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.build_job import BuildJob
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.tensorrt import builder as module
from edge_trt_ros.convert.tensorrt.builder import engine_from_onnx
from edge_trt_ros.convert.tensorrt.dla import weak_flags
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.detector.samples import scene_frames, TRAINING_SEED
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import (BuildCanceledError, BuildError, ConfigurationError, EngineError,
                                 ModelError)
from edge_trt_ros.runtime.tensorrt.device import find_gpu
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, load_tensorrt, TensorRt

RTX = BuildOptions(backend='tensorrt_rtx')


@pytest.fixture(scope='module')
def library() -> TensorRt:
    try:
        return load_tensorrt('tensorrt_rtx')
    except EngineError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize('model', [
    dense_model(), dense_model((96, 64), classes=1), dense_model((64, 64), classes=1200),
    dense_model(opset=13), end_to_end_model()])
def test_models_build(
        library: TensorRt, model: onnx.ModelProto, tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    manifest, reason = build_engine(save(model, tmp_path / 'm.onnx'), engine, RTX)
    assert reason and read_engine(engine) == (engine.read_bytes(), manifest)
    assert (manifest.backend, manifest.backend_version) == ('tensorrt_rtx', library.version)
    assert manifest.layers['source'] == 'typed network'
    assert set(manifest.layers['precisions']) == {'fp32'} and manifest.layers['layers'] > 3
    assert manifest.target == {'compute_capabilities': [], 'gpu': '', 'driver': ''}
    assert manifest.verification['frames'] == 7
    assert manifest.verification['by'].startswith('onnxruntime ')
    assert build_engine(tmp_path / 'm.onnx', engine, RTX)[1] == ''


def test_demo_model_builds_with_progress(library: TensorRt, tmp_path: Path) -> None:
    fractions: list[float] = []
    manifest, _ = build_engine(MODEL_PATH, tmp_path / 'm.engine', RTX,
                               progress=lambda phase, fraction: fractions.append(fraction))
    assert manifest.engine_size_bytes > 1_000_000 and manifest.layers['layers'] > 50
    assert fractions == sorted(fractions) and len(fractions) > 50 and fractions[-1] == 1.0


def test_demo_model_builds_in_fp16_and_int8(library: TensorRt, tmp_path: Path) -> None:
    images = tmp_path / 'images'
    images.mkdir()
    for index, frame in enumerate(scene_frames(TRAINING_SEED, 12)):
        cv2.imwrite(str(images / f'{index}.png'), frame.image)
    for precision, count in (('fp16', 100), ('int8', 30)):
        options = replace(RTX, precision=precision, calibration=str(images))
        manifest, _ = build_engine(MODEL_PATH, tmp_path / f'{precision}.engine', options)
        assert manifest.layers['precisions'][precision] >= count
        assert manifest.verification['lost_boxes'] <= 0.02
    assert manifest.layers['accuracy_drop'] <= 0.05


def test_open_dimensions_need_a_profile(library: TensorRt) -> None:
    model = dense_model(batch='batch')
    # Its last layers fix the batch to 1, so a profile with a larger optimum is invalid.
    shape = (1, 3, 64, 64)
    with pytest.raises(ConfigurationError, match='leave dimensions open'):
        engine_from_onnx(model, RTX, library)
    with pytest.raises(ConfigurationError, match='does not fit'):
        engine_from_onnx(model, RTX, library,
                         profiles=[{'images': (shape, (4, 3, 64, 64), shape)}])


def test_batches_and_sizes_in_profiles(library: TensorRt) -> None:
    kernel = np.zeros((4, 3, 3, 3), np.float32)
    model = helper.make_model(helper.make_graph(
        [helper.make_node('Conv', ['images', 'kernel'], ['out'], pads=[1, 1, 1, 1])], 'open',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, ['b', 3, 'h', 'w'])],
        [helper.make_tensor_value_info('out', TensorProto.FLOAT, ['b', 4, 'h', 'w'])],
        [numpy_helper.from_array(kernel, 'kernel')]),
        opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    profiles = [{'images': ((1, 3, 32, 32), (2, 3, 64, 64), (8, 3, 96, 96))},
                {'images': ((1, 3, 128, 128), (1, 3, 128, 128), (1, 3, 128, 128))}]
    assert engine_from_onnx(model, RTX, library, profiles=profiles).data


def test_operator_unsupported_by_the_parser_is_refused(library: TensorRt) -> None:
    model = dense_model()
    model.graph.node[0].domain = 'com.somebody'
    model.graph.node[0].op_type, model.graph.node[0].name = 'MagicPool', 'pool of magic'
    with pytest.raises(ModelError, match="node 'pool of magic' \\(MagicPool\\)"):
        engine_from_onnx(model, RTX, library)


@pytest.mark.parametrize('change, match', [
    ({'version_compatible': True}, 'version_compatible'),
    ({'compute_capabilities': ('5.3',)}, "'5.3'.*builds for 7.5, 8.0"),
])
def test_unsupported_options_are_refused(
        library: TensorRt, change: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        engine_from_onnx(dense_model(), BuildOptions(**change), library)


def test_targets_and_workspace(library: TensorRt) -> None:
    options = BuildOptions(compute_capabilities=('8.6', '8.9'), workspace_mb=64)
    engine = engine_from_onnx(dense_model(), options, library)
    assert engine.target['compute_capabilities'] == ['8.6', '8.9']
    portable = engine_from_onnx(dense_model(), RTX, library)
    assert engine.data != portable.data


def test_rtx_writes_no_timing_cache(library: TensorRt, tmp_path: Path) -> None:
    engine_from_onnx(dense_model(), RTX, library, timing_cache_folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_failed_build_reports_the_log(library: TensorRt, monkeypatch: pytest.MonkeyPatch) -> None:
    # Without a GPU, the builder cannot determine the target CURRENT.
    monkeypatch.setattr(module, '_member', lambda capability: 'CURRENT')
    if find_gpu() is not None:
        pytest.skip('there is a GPU, so the target CURRENT is valid')
    options = BuildOptions(compute_capabilities=('8.6',))
    with pytest.raises(BuildError, match='did not build the engine: .*[A-Za-z]{4}'):
        engine_from_onnx(dense_model(), options, library)


def test_progress_that_raises_stops_the_build(library: TensorRt) -> None:
    class Stop(Exception):
        pass
    calls = []

    def progress(phase: str, fraction: float) -> None:
        calls.append(fraction)
        if len(calls) == 5:
            raise Stop
    with pytest.raises(Stop):
        engine_from_onnx(deep_model(), RTX, library, progress=progress)
    assert len(calls) == 5


def test_cancel_stops_the_child(library: TensorRt, tmp_path: Path) -> None:
    path, engine = save(deep_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    job = BuildJob(path, engine, RTX, force=False)
    try:
        deadline = time.monotonic() + 60
        while job.fraction < 0.5 and time.monotonic() < deadline:
            assert job.poll() is None
            time.sleep(0.005)
        job.cancel()
        canceled_at = time.monotonic()
        with pytest.raises(BuildCanceledError, match='canceled after'):
            while time.monotonic() < deadline:
                job.poll()
                time.sleep(0.005)
        assert time.monotonic() - canceled_at < 2.0
    finally:
        job.close()
    assert [path.name for path in tmp_path.iterdir()] == ['m.onnx']


def test_tensorrt_is_preferred_and_named_when_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = SimpleNamespace(origin='somewhere')
    for installed, expected in ((('tensorrt', 'tensorrt_rtx'), 'tensorrt'),
                                (('tensorrt_rtx',), 'tensorrt_rtx'), ((), '')):
        monkeypatch.setattr('importlib.util.find_spec',
                            lambda name: spec if name in installed else None)
        assert installed_tensorrt() == expected
    monkeypatch.undo()
    if installed_tensorrt() != 'tensorrt':
        with pytest.raises(EngineError, match='tensorrt is not installed.*JetPack'):
            load_tensorrt('tensorrt')


def test_tensorrt_requires_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'find_gpu', lambda: None)
    with pytest.raises(ConfigurationError, match='there is none here'):
        engine_from_onnx(dense_model(), RTX, TensorRt('tensorrt', '10.3', SimpleNamespace()))


def test_weak_flags_follow_the_graph() -> None:
    model = dense_model()
    trt: Any = SimpleNamespace(BuilderFlag=SimpleNamespace(FP16='FP16', BF16='BF16', INT8='INT8'))
    assert weak_flags(trt, model) == []
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float16), 'half'))
    model.graph.node.append(helper.make_node('QuantizeLinear', ['a', 'b', 'c'], ['d']))
    assert weak_flags(trt, model) == ['FP16', 'INT8']
