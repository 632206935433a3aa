# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Images in other layouts, types and batches are adapted in the graph, with the same results."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.building import build_in_memory, head_of
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.errors import ModelError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.thresholds import Thresholds

SIZE_WH = (96, 64)


def reads(nodes: list[tuple[str, list[str], dict[str, object]]], shape: list[int],
          kind: int = TensorProto.FLOAT, **constants: object) -> onnx.ModelProto:
    """Return a detector whose picture passes these nodes first, from the input `picture`."""
    model = dense_model(SIZE_WH)
    made = [helper.make_node(operator, inputs, [f'step_{index}'], **attributes)
            for index, (operator, inputs, attributes) in enumerate(nodes)]
    made[-1].output[0] = 'images'
    for node in reversed(made):
        model.graph.node.insert(0, node)
    del model.graph.input[:]
    model.graph.input.append(helper.make_tensor_value_info('picture', kind, shape))
    for name, values in constants.items():
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(values), name))
    return model


def found_by(path: Path) -> Detections:
    built = build_in_memory(path, BuildOptions(backend='onnxruntime'))
    with open_engine(built.engine, built.manifest).runtime as runtime:
        return detect(runtime, noise_frame((150, 91), 3), Thresholds(0.3))[0]


CAST, SCALE = ('Cast', ['picture'], {'to': TensorProto.FLOAT}), np.float32(1 / 255)
BACK: dict[str, object] = {'perm': [0, 3, 1, 2]}
LAYOUTS = {
    'channels last': reads([('Transpose', ['picture'], BACK)], [1, 64, 96, 3]),
    'bytes': reads([CAST, ('Mul', ['step_0', 'gain'], {})], [1, 3, 64, 96], TensorProto.UINT8,
                   gain=SCALE),
    'int32, channels last': reads(
        [CAST, ('Transpose', ['step_0'], BACK), ('Mul', ['step_1', 'gain'], {})],
        [1, 64, 96, 3], TensorProto.INT32, gain=SCALE),
    'bytes that are transposed first': reads(
        [('Transpose', ['picture'], BACK), ('Cast', ['step_0'], {'to': TensorProto.FLOAT}),
         ('Mul', ['step_1', 'gain'], {})], [1, 64, 96, 3], TensorProto.UINT8, gain=SCALE),
    'normalised inside': reads([('Mul', ['picture', 'gain'], {})], [1, 3, 64, 96], gain=SCALE),
    'an open size': reads([('Transpose', ['picture'], BACK)], [1, 0, 0, 3]),
}


@pytest.mark.parametrize('name', LAYOUTS)
def test_it_detects_the_same(name: str, tmp_path: Path) -> None:
    model = LAYOUTS[name]
    if name == 'an open size':
        model.metadata_props.add(key='imgsz', value='[64, 96]')
    expected = found_by(save(dense_model(SIZE_WH), tmp_path / 'plain.onnx'))
    onnx.save(model, str(tmp_path / 'm.onnx'))
    found = found_by(tmp_path / 'm.onnx')
    assert len(found) == len(expected) > 3
    np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=0.02)
    np.testing.assert_array_equal(found.class_ids, expected.class_ids)


@pytest.mark.parametrize('shape', [[1, 1, 64, 96], [1, 64, 96, 1]])
def test_one_channel_is_the_gray_of_the_picture(shape: list[int], tmp_path: Path) -> None:
    steps: list[tuple[str, list[str], dict[str, object]]] = [
        ('Concat', ['picture'] * 3, {'axis': 1 if shape[1] == 1 else 3})]
    if shape[1] != 1:
        steps.append(('Transpose', ['step_0'], BACK))
    onnx.save(reads(steps, shape), str(tmp_path / 'm.onnx'))
    plan = plan_build(tmp_path / 'm.onnx', BuildOptions(backend='onnxruntime'))
    assert 'one channel' in str(plan) and plan.input_kinds[0].shape('picture') == (1, 3, 64, 96)
    built = build_in_memory(tmp_path / 'm.onnx', BuildOptions(backend='onnxruntime'))
    frame = noise_frame((96, 64), 3)
    with open_engine(built.engine, built.manifest).runtime as runtime:
        found = detect(runtime, frame, Thresholds(0.3))[0]
    gray = np.rint(frame.pixels @ np.array([0.114, 0.587, 0.299])).astype(np.uint8)
    plain = build_in_memory(save(dense_model(SIZE_WH), tmp_path / 'plain.onnx'),
                            BuildOptions(backend='onnxruntime'))
    with open_engine(plain.engine, plain.manifest).runtime as runtime:
        expected = detect(runtime, type(frame)(gray, 'mono8', (96, 64)), Thresholds(0.3))[0]
    # The picture for the comparison is rounded to whole grays, so some boxes suppress others.
    for score in found.scores[:5]:
        assert np.abs(expected.scores - score).min() < 2e-3


@pytest.mark.parametrize('shape', [[1, 4, 64, 96], [1, 64, 96, 6]])
def test_more_channels_are_refused_by_name(shape: list[int], tmp_path: Path) -> None:
    model = reads([('Identity', ['picture'], {})], shape)
    onnx.save(model, str(tmp_path / 'm.onnx'))
    with pytest.raises(ModelError, match=r'reads an image of [46] channels') as refused:
        check_onnx(tmp_path / 'm.onnx')
    assert refused.value.code == 'channels_unsupported'


MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])


@pytest.mark.parametrize('mean, std, scale, color', [
    (MEAN, STD, 1 / 255, 'rgb'), (255 * MEAN, 255 * STD, 1.0, 'rgb'),
    (255 * MEAN[::-1], 255 * STD[::-1], 1.0, 'bgr'), (MEAN * 255, STD * 0 + 1, 1.0, 'rgb'),
    (MEAN * 0 + 127.5, STD * 0 + 127.5, 1.0, 'rgb'), (MEAN * 0 + .5, STD * 0 + .5, 1 / 255, 'rgb'),
    (MEAN * 0, STD * 0 + 255, 1.0, 'rgb'), (MEAN * 0, STD * 0 + 1e5, 1 / 255, 'rgb')])
def test_what_the_graph_normalises_is_not_normalised_twice(
        mean: np.ndarray, std: np.ndarray, scale: float, color: str, tmp_path: Path) -> None:
    model = reads([('Sub', ['picture', 'mean'], {}), ('Div', ['step_0', 'std'], {})],
                  [1, 3, 64, 96], mean=mean[:, None, None], std=std[:, None, None])
    onnx.save(model, str(tmp_path / 'm.onnx'))
    plan = plan_build(tmp_path / 'm.onnx', BuildOptions(backend='onnxruntime'))
    image = plan.input_kinds[0]
    assert (image.scale, image.color_order, set(image.mean)) == (scale, color, {0.0})


def test_a_batch_of_four_becomes_one(tmp_path: Path) -> None:
    single = dense_model(SIZE_WH)
    for node in single.graph.node:
        for index, name in enumerate(node.input):
            values = {tensor.name: tensor for tensor in single.graph.initializer}
            if node.op_type == 'Reshape' and index == 1 and name in values:
                shape = numpy_helper.to_array(values[name]).copy()
                shape[0] = 4 if shape[0] == 1 else shape[0]
                values[name].CopyFrom(numpy_helper.from_array(shape, name))
    for value in (*single.graph.input, *single.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 4
    del single.graph.value_info[:]
    onnx.save(single, str(tmp_path / 'm.onnx'))
    plan = plan_build(tmp_path / 'm.onnx', BuildOptions(backend='onnxruntime'))
    assert 'exported for several images' in str(plan)
    expected = found_by(save(dense_model(SIZE_WH), tmp_path / 'plain.onnx'))
    np.testing.assert_allclose(found_by(tmp_path / 'm.onnx').boxes_xyxy, expected.boxes_xyxy,
                               atol=1e-3)


def test_a_batch_that_the_values_depend_on_is_refused(tmp_path: Path) -> None:
    model = dense_model(SIZE_WH)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 4
    del model.graph.value_info[:]
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), 'batch_axis'))
    last = model.graph.node[-1].output[0]
    model.graph.node[-1].output[0] = 'own'
    model.graph.node.extend([
        helper.make_node('ReduceSum', ['own', 'batch_axis'], ['all']),
        helper.make_node('Add', ['own', 'all'], [last])])
    onnx.save(model, str(tmp_path / 'm.onnx'))
    with pytest.raises(ModelError, match='for a batch of 4, and cannot be reduced') as refused:
        check_onnx(tmp_path / 'm.onnx')
    assert refused.value.code == 'batch_not_reduced'


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('name', ['int32, channels last', 'bytes that are transposed first'])
def test_tensorrt_builds_it(name: str, tmp_path: Path) -> None:
    onnx.save(LAYOUTS[name], str(tmp_path / 'm.onnx'))
    assert build_in_memory(tmp_path / 'm.onnx', BuildOptions(backend=installed_tensorrt())).engine
    assert head_of(tmp_path / 'm.onnx').name == 'yolo_dense'
