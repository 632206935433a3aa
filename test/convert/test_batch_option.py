# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The option max_batch: which networks are built for it, and what the manifest says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import dense_model, save
from support.task_models import convolution_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.batch import check_batch, open_batch
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import draft_plan
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import ConfigurationError, ManifestError, ModelError
from edge_trt_ros.manifest import batch_sizes
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt

needs_builder = pytest.mark.skipif(installed_tensorrt() != 'tensorrt_rtx',
                                   reason='tensorrt_rtx, which builds without a GPU, is missing')


def reshaping(shape: list[int], **attributes: int) -> onnx.ModelProto:
    """Return a network [1, 3, 4, 4] that reshapes its input to a constant shape."""
    graph = helper.make_graph(
        [helper.make_node('Reshape', ['images', 'shape'], ['found'], **attributes)], 'reshape',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info('found', TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array(shape, np.int64), 'shape')])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)


def test_sizes_of_batches() -> None:
    assert [batch_sizes(largest) for largest in (1, 2, 3, 8, 12)] == [
        (1,), (1, 2), (1, 2, 3), (1, 2, 4, 8), (1, 2, 4, 8, 12)]


@pytest.mark.parametrize('attributes', [{}, {'allowzero': 0}])
def test_batch_in_the_shape_of_a_reshape_is_opened(attributes: dict[str, int]) -> None:
    model = reshaping([1, 6, 8], **attributes)
    before = model.SerializeToString()
    check_batch(model)
    opened = open_batch(model)
    assert model.SerializeToString() == before
    images = np.arange(5 * 48, dtype=np.float32).reshape(5, 3, 4, 4)
    found, = run_session(open_session(opened), ['found'], {'images': images})
    np.testing.assert_array_equal(found, images.reshape(5, 6, 8))


def test_network_without_a_batch_is_refused() -> None:
    with pytest.raises(ModelError, match='computes single images only .*open batch') as refused:
        check_batch(reshaping([2, 24]))
    assert refused.value.code == 'batch_fixed'


def test_network_that_mixes_images_is_refused() -> None:
    graph = helper.make_graph(
        [helper.make_node('ReduceMean', ['images', 'axes'], ['mean']),
         helper.make_node('Add', ['images', 'mean'], ['found'])], 'mixing',
        [helper.make_tensor_value_info('images', TensorProto.FLOAT, [1, 3, 4, 4])],
        [helper.make_tensor_value_info('found', TensorProto.FLOAT, [1, 3, 4, 4])],
        [numpy_helper.from_array(np.array([0], np.int64), 'axes')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    with pytest.raises(ModelError, match="mixes the images .*'found'") as refused:
        check_batch(model)
    assert refused.value.code == 'batch_fixed'


def test_cpu_runs_one_image_after_the_other(tmp_path: Path) -> None:
    options = BuildOptions(backend='onnxruntime', max_batch=4)
    draft = draft_plan(save(dense_model(), tmp_path / 'm.onnx'), options)
    assert 'ONNX Runtime runs one image after the other: max_batch has no effect' in draft.facts
    manifest, _ = build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', options)
    assert manifest.max_batch == 1 and manifest.inputs[0].shape[0] == 1


@needs_builder
def test_manifest_of_an_engine_for_batches(tmp_path: Path) -> None:
    manifest, _ = build_engine(
        save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine',
        BuildOptions(backend='tensorrt_rtx', max_batch=6))
    assert manifest.max_batch == 6
    assert {spec.shape[0] for spec in (*manifest.inputs, *manifest.outputs)} == {-1}
    assert read_engine(tmp_path / 'm.engine')[1] == manifest
    text = (tmp_path / 'm.engine.json').read_text().replace('"max_batch": 6', '"max_batch": 99')
    (tmp_path / 'm.engine.json').write_text(text)
    with pytest.raises(ManifestError, match='max_batch of the build options is 99, expected 1 to'):
        read_engine(tmp_path / 'm.engine')


@needs_builder
def test_head_in_the_engine_computes_single_images(tmp_path: Path) -> None:
    draft = draft_plan(save(convolution_model((1, 5), {'task': 'classify'}), tmp_path / 'm.onnx'),
                       BuildOptions(backend='tensorrt_rtx', max_batch=2))
    assert isinstance(draft.errors[0], ConfigurationError)
    assert 'computes single images: set max_batch to 1' in str(draft.errors[0])
