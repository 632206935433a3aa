# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Depth networks: metric or relative, in the resolution of the source, and what is invalid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, raw_outputs
from support.frames import noise_frame
from support.models import save
from support.task_models import convolution_model

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError, ModelError, NetworkOutputError
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.tasks import TASKS
from edge_trt_ros.vision.tasks.depth import depth_map, DepthMap
from edge_trt_ros.vision.thresholds import Thresholds

ULTRALYTICS = {'task': 'depth', 'author': 'Ultralytics'}
SHAPES = [(1, 1, 16, 16), (1, 1, 64, 64)]


def depth_model(metadata: dict[str, str], last: str = 'Sigmoid', flat: bool = False,
                half: bool = False) -> onnx.ModelProto:
    """Return a network with a positive value for each cell; `flat` drops the channel."""
    model = convolution_model((1, 1, 16, 16), metadata, last, half=half)
    if flat:
        output = model.graph.output[0]
        model.graph.node.append(onnx.helper.make_node(
            'Squeeze', ['output0', 'axis'], ['squeezed']))
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1]), 'axis'))
        model.graph.output.append(onnx.helper.make_tensor_value_info(
            'squeezed', output.type.tensor_type.elem_type, [1, 16, 16]))
        model.graph.output.remove(output)
    return model


@pytest.mark.parametrize('metadata, option, kind', [
    (ULTRALYTICS, '', 'metric'), ({'task': 'depth'}, 'relative', 'relative'),
    ({'task': 'depth', 'edge_trt_ros.depth': 'relative'}, '', 'relative'),
    ({'task': 'depth', 'edge_trt_ros.depth': 'relative'}, 'metric', 'metric')])
@pytest.mark.parametrize('flat', [False, True])
def test_depth_matches_the_reference(metadata: dict[str, str], option: str, kind: str, flat: bool,
                                     tmp_path: Path) -> None:
    path = save(depth_model(metadata, flat=flat), tmp_path / 'm.onnx')
    options = BuildOptions(backend='onnxruntime', depth=option)
    built = build_in_memory(path, options)
    assert built.manifest.head == built.manifest.decoder == f'depth_{kind}'
    assert built.manifest.image_input.fit == 'squash' and built.manifest.labels == ()
    assert 'depths within' in built.manifest.verification['agreement']
    assert built.manifest.verification['depth_error'] <= 1e-3
    frame = noise_frame((150, 91), 3)
    raw, letterbox = raw_outputs(path, built.manifest, frame)
    on_host = head_of(path, options).decode(raw, letterbox, Thresholds())
    with open_engine(built.engine, built.manifest).runtime as runtime:
        on_device, _ = infer(runtime, frame, Thresholds())
    values = next(iter(raw.values())).reshape(16, 16)
    for found in (on_device, on_host):
        assert isinstance(found, DepthMap) and found.is_metric == (kind == 'metric')
        np.testing.assert_allclose(found.values, values, rtol=1e-5)
        np.testing.assert_allclose(found.in_source_resolution(), cv2.resize(values, (150, 91)),
                                   rtol=1e-5)


def test_padding_is_not_part_of_the_depth(tmp_path: Path) -> None:
    path = save(depth_model(ULTRALYTICS), tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions(
        backend='onnxruntime', input_contract='{"fit": "letterbox"}'))
    frame = noise_frame((128, 64), 3)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        found, _ = infer(runtime, frame, Thresholds())
    assert isinstance(found, DepthMap)
    assert found.in_network_resolution().shape == (8, 16)
    np.testing.assert_array_equal(found.in_network_resolution(), found.values[4:12])
    assert found.in_source_resolution().shape == (64, 128)


@pytest.mark.parametrize('metadata, option, message', [
    ({'task': 'depth'}, '', 'state --depth metric, or --depth relative'),
    ({'task': 'depth', 'edge_trt_ros.depth': 'feet'}, '', "is 'feet', expected metric")])
def test_what_the_depth_is_must_be_stated(metadata: dict[str, str], option: str, message: str,
                                          tmp_path: Path) -> None:
    path = save(depth_model(metadata), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match=message) as caught:
        build_in_memory(path, BuildOptions(depth=option))
    assert caught.value.code == 'depth_unstated'


@pytest.mark.parametrize('shape', [(1, 2, 16, 16), (1, 4)])
def test_other_outputs_are_no_depth(shape: tuple[int, ...], tmp_path: Path) -> None:
    path = save(convolution_model(shape, {'task': 'depth'}), tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match="the task is 'depth', whose networks end in one output"):
        build_in_memory(path, BuildOptions(depth='metric'))


def test_mostly_negative_depths_are_refused(tmp_path: Path) -> None:
    path = save(depth_model(ULTRALYTICS, 'Neg'), tmp_path / 'm.onnx')
    model = onnx.load(path)
    bias = next(tensor for tensor in model.graph.initializer if tensor.name == 'bias')
    bias.CopyFrom(onnx.numpy_helper.from_array(np.array([99], np.float32), 'bias'))
    with pytest.raises(BuildError, match='100% of the depths are negative.*--depth rel') as found:
        build_in_memory(save(model, path), BuildOptions(backend='onnxruntime'))
    assert found.value.code == 'depth_invalid'
    relative = BuildOptions(backend='onnxruntime', depth='relative')
    assert build_in_memory(path, relative).manifest.verification['depth_error'] <= 1e-3


BOX = Letterbox.fit((40, 40), (4, 4), 'squash')


@pytest.mark.parametrize('invalid', [-1.0, 0.0, np.inf, -np.inf])
def test_single_invalid_depths_become_nan(invalid: float) -> None:
    values = np.full((4, 4), 2, np.float32)
    values[1, 2] = invalid
    found = depth_map(values, BOX, is_metric=True)
    assert np.isnan(found.values[1, 2]) and np.isnan(found.values).sum() == 1
    kept = depth_map(values, BOX, is_metric=False)
    assert np.isnan(kept.values[1, 2]) == bool(np.isinf(invalid))
    assert TASKS['depth'].describe(found, ())['depth'] == {
        'unit': 'm', 'min': 2.0, 'median': 2.0, 'max': 2.0, 'without_depth': 0.0625}


@pytest.mark.parametrize('half', [False, True])
def test_infinite_depths_of_an_engine_are_nan_and_nan_is_an_error(half: bool,
                                                                  tmp_path: Path) -> None:
    # 1 / 0 for dark cells; the share without depth is part of the answer.
    model = depth_model(ULTRALYTICS, 'Relu', half=half)
    reciprocal = onnx.helper.make_node('Reciprocal', ['output0'], ['depth_m'])
    model.graph.node.append(reciprocal)
    model.graph.output[0].name = 'depth_m'
    path = save(model, tmp_path / 'm.onnx')
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    frame = noise_frame((64, 64), 3)
    raw, _ = raw_outputs(path, built.manifest, frame)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        found, _ = infer(runtime, frame, Thresholds())
    assert isinstance(found, DepthMap)
    np.testing.assert_array_equal(np.isnan(found.values), np.isinf(raw['depth_m'][0, 0]))
    broken = {'depth': np.full((1, 4, 4), np.nan, np.float32),
              'checksum': np.array([np.nan], np.float32)}
    with pytest.raises(NetworkOutputError, match='NaN'):
        TASKS['depth'].formats[0].decode(broken, BOX, Thresholds())


def test_the_overlay_shows_near_in_red_and_far_in_blue() -> None:
    values = np.repeat(np.linspace(1, 20, 64, dtype=np.float32)[None], 64, 0)
    values[:8] = np.nan
    box = Letterbox.fit((64, 64), (64, 64), 'squash')
    for metric, near in ((True, 0), (False, 63)):
        image = np.full((64, 64, 3), 100, np.uint8)
        TASKS['depth'].draw(image, DepthMap(values, box, metric), ())
        blue, _, red = image[32, near].astype(int)
        assert red > blue and (image[:8] == 100).all()
        blue, _, red = image[32, 63 - near].astype(int)
        assert blue > red


@pytest.mark.skipif(not installed_tensorrt(), reason='no TensorRT is installed')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_tensorrt_builds_depth_networks(precision: str, tmp_path: Path) -> None:
    path = save(depth_model(ULTRALYTICS), tmp_path / 'm.onnx')
    built = build_in_memory(path, replace(
        BuildOptions(), backend=installed_tensorrt(), precision=precision))
    assert [str(tensor) for tensor in built.manifest.outputs][0] == 'depth float32[1, 16, 16]'
