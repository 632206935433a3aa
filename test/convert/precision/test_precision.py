# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Builds in each precision, for TensorRT and the CPU; cached ranges and stale engines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from support.building import build_in_memory
from support.image_folder import image_folder
from support.models import dense_model, end_to_end_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.convert.precision import apply as module
from edge_trt_ros.convert.precision.apply import first_precision
from edge_trt_ros.convert.precision.calibration_cache import calibration_cache_path
from edge_trt_ros.convert.precision.ranges import measure_ranges, TensorRange
from edge_trt_ros.convert.toolchain import Toolchain
from edge_trt_ros.errors import BuildError, ConfigurationError, ImageError
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, TensorRt

BACKENDS = ['onnxruntime', *(['tensorrt_rtx'] if installed_tensorrt() == 'tensorrt_rtx' else [])]
CPU, RTX = Toolchain('onnxruntime', '1.32.0'), Toolchain(
    'tensorrt_rtx', '1.7.1.116', '', TensorRt('tensorrt_rtx', '1.7.1.116', None))


@pytest.fixture(scope='module')
def images(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(image_folder(tmp_path_factory.mktemp('calibration') / 'images'))


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('precision', ['fp16', 'bf16', 'int8', 'best'])
@pytest.mark.parametrize('model', [
    dense_model((96, 64), weight=1.0), dense_model(opset=13, classes=1, weight=1.0),
    end_to_end_model()])
def test_models_build_in_each_precision(
        tmp_path: Path, images: str, backend: str, precision: str, model: onnx.ModelProto) -> None:
    path = save(model, tmp_path / 'm.onnx')
    options = BuildOptions(backend=backend, precision=precision, calibration=images,
                           max_accuracy_drop=1.0)
    if backend == 'onnxruntime' and precision == 'bf16':
        with pytest.raises(ConfigurationError, match='bf16, which onnxruntime .* cannot'):
            build_engine(path, tmp_path / 'm.engine', options)
        return
    manifest, _ = build_engine(path, tmp_path / 'm.engine', options)
    best = 'fp32' if backend == 'onnxruntime' else 'int8'
    expected = best if precision == 'best' else precision
    assert manifest.layers['precision'] == expected
    assert manifest.layers['precisions'][expected] >= 1
    assert manifest.verification['frames'] == 13 and manifest.plan['calibration_sha256']
    assert why_stale(tmp_path / 'm.engine', path, options) == ''


def test_best_without_images_is_fp16_or_fp32() -> None:
    best = BuildOptions(precision='best')
    assert (first_precision(best, RTX), first_precision(best, CPU)) == ('fp16', 'fp32')


@pytest.mark.parametrize('values, toolchain, match', [
    ({'precision': 'bf16'}, CPU, 'bf16, which onnxruntime 1.32.0 cannot'),
    ({'precision': 'bf16', 'compute_capabilities': ('8.6', '7.5')}, RTX, 'capability 7.5'),
    ({'precision': 'int8'}, RTX, 'needs calibration images'),
    ({'precision': 'int8', 'calibration': 'x'},
     replace(RTX, tensorrt=TensorRt('tensorrt_rtx', '1.6.1.120', None)), 'update it to 1.7.1'),
])
def test_unsupported_precision_is_refused(
        values: dict[str, Any], toolchain: Toolchain, match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        first_precision(BuildOptions(**values), toolchain)


@pytest.mark.skipif('tensorrt_rtx' not in BACKENDS, reason='TensorRT for RTX is not installed')
def test_best_falls_back_to_fp16(
        tmp_path: Path, images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise BuildError('int8 loses too much')
    monkeypatch.setattr(module, 'hold_budget', fail)
    path = save(dense_model(weight=1.0), tmp_path / 'm.onnx')
    options = BuildOptions(backend='tensorrt_rtx', precision='best', calibration=images)
    assert build_in_memory(path, options).manifest.layers['precision'] == 'fp16'
    with pytest.raises(BuildError, match='loses too much'):
        build_in_memory(path, replace(options, precision='int8'))


def test_ranges_are_cached(
        tmp_path: Path, images: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(weight=1.0), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    options = BuildOptions(precision='int8', calibration=images, max_accuracy_drop=1.0)
    first = build_engine(path, engine, options)[0]
    calls: list[int] = []

    def counted(*arguments: Any, **named: Any) -> dict[str, TensorRange]:
        calls.append(1)
        return measure_ranges(*arguments, **named)
    monkeypatch.setattr(module, 'measure_ranges', counted)
    again = build_engine(path, engine, options, force=True)[0]
    assert (first.engine_sha256, first.plan_key) == (again.engine_sha256, again.plan_key)
    assert calls == []
    min_max = build_engine(path, engine, replace(options, calibration_method='min_max'))[0]
    assert calls == [1] and min_max.engine_sha256 != first.engine_sha256
    for damaged in (b'', b'{"key": 3}', b'\xff'):
        calibration_cache_path(engine).write_bytes(damaged)
        build_engine(path, engine, options, force=True)
    assert calls == [1] * 4


def test_changed_images_make_the_engine_stale(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / 'images')
    path, engine = save(dense_model(weight=1.0), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    options = BuildOptions(precision='int8', calibration=str(folder), max_accuracy_drop=1.0)
    build_engine(path, engine, options)
    (folder / '00.png').unlink()
    assert why_stale(engine, path, options) == 'the calibration images have changed'
    for image in folder.iterdir():
        image.unlink()
    with pytest.raises(ConfigurationError, match='holds no images'):
        build_engine(path, engine, options)
    (folder / '00.png').write_bytes(b'broken')
    with pytest.raises(ImageError, match='00.png'):
        build_engine(path, engine, options)
    assert engine.exists()
