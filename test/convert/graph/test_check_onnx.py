# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks of untrusted ONNX files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.graph.load import read_onnx
from edge_trt_ros.errors import ModelError


def test_valid_model_is_accepted(tmp_path: Path) -> None:
    checked = check_onnx(save(dense_model((96, 64)), tmp_path / 'm.onnx'))
    assert checked.inputs[0].shape == (1, 3, 64, 96)
    assert [output.shape for output in checked.outputs] == [(1, 7, 96 + 24 + 6)]
    assert checked.metadata['task'] == 'detect'


@pytest.mark.parametrize('data, match', [
    (b'', 'is empty'),
    (b'not an onnx file at all', 'not an ONNX file'),
    (b'\x08\x09', 'holds no network'),
])
def test_file_that_is_not_onnx_is_refused(tmp_path: Path, data: bytes, match: str) -> None:
    path = tmp_path / 'm.onnx'
    path.write_bytes(data)
    with pytest.raises(ModelError, match=match):
        check_onnx(path)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='there is no ONNX file'):
        check_onnx(tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='cannot be read'):
        check_onnx(tmp_path)


@pytest.mark.parametrize('kind, name', [(TensorProto.STRING, 'STRING'), (64, 'number 64')])
def test_inputs_of_unsupported_types_are_refused(tmp_path: Path, kind: int, name: str) -> None:
    model = dense_model()
    model.graph.input[0].type.tensor_type.elem_type = kind
    with pytest.raises(ModelError, match=f'has type {name}, supported are float32'):
        check_onnx(save(model, tmp_path / 'm.onnx'))


def test_corrupt_files_raise_only_model_error(tmp_path: Path) -> None:
    data = dense_model().SerializeToString()
    path = tmp_path / 'm.onnx'
    path.write_bytes(data[:len(data) // 2])
    with pytest.raises(ModelError):
        check_onnx(path)
    random = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        flipped = bytearray(data)
        flipped[random.integers(len(data))] ^= 1 << int(random.integers(8))
        path.write_bytes(bytes(flipped))
        try:
            check_onnx(path)  # a flipped weight is a valid model
        except ModelError:
            refused += 1
    assert refused


def test_open_batch_becomes_1(tmp_path: Path) -> None:
    checked = check_onnx(save(dense_model(batch='batch'), tmp_path / 'm.onnx'))
    assert checked.inputs[0].shape == (1, 3, 64, 64)
    assert [output.shape[0] for output in checked.outputs] == [1]


def test_input_shape_fixes_open_dimensions(tmp_path: Path) -> None:
    model = dense_model(batch='batch')
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_param = 'height'
    path = save(model, tmp_path / 'm.onnx')
    with pytest.raises(ModelError, match='input_shape'):
        check_onnx(path)
    assert check_onnx(path, (1, 3, 64, 64)).inputs[0].shape == (1, 3, 64, 64)
    with pytest.raises(ModelError, match='does not fit'):
        check_onnx(path, (1, 3, 32, 32))


def test_input_besides_the_image_is_refused(tmp_path: Path) -> None:
    model = dense_model()
    model.graph.input.append(helper.make_tensor_value_info('depth', TensorProto.FLOAT, [2]))
    with pytest.raises(ModelError, match='expected one image'):
        check_onnx(save(model, tmp_path / 'm.onnx'))


@pytest.mark.parametrize('in_node', [False, True])
def test_nan_weights_are_refused(tmp_path: Path, in_node: bool) -> None:
    model = dense_model()
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == 'kernel_8')
    values = numpy_helper.to_array(kernel).copy()
    values[0, 0] = np.nan
    kernel.CopyFrom(numpy_helper.from_array(values, 'kernel_8'))
    if in_node:
        node = helper.make_node('Constant', [], ['kernel_8'], value=kernel)
        model.graph.initializer.remove(kernel)
        model.graph.node.insert(0, node)
    with pytest.raises(ModelError, match="'kernel_8' holds 1 NaN of 21"):
        check_onnx(save(model, tmp_path / 'm.onnx'))


def test_error_names_custom_plugins(tmp_path: Path) -> None:
    model = dense_model()
    model.graph.node[0].op_type, model.graph.node[0].domain = 'BatchedNMS_TRT', 'TRT'
    model.opset_import.append(helper.make_opsetid('TRT', 1))
    with pytest.raises(ModelError, match='custom plugins .BatchedNMS_TRT of TRT'):
        check_onnx(save(model, tmp_path / 'm.onnx'))


def test_file_above_the_size_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / 'm.onnx'
    with open(path, 'wb') as file:
        file.truncate(3 << 30)  # a sparse file, which uses no disk space
    with pytest.raises(ModelError, match='has 3221225472 bytes, at most'):
        check_onnx(path)


def test_external_data_is_hashed_and_required(tmp_path: Path) -> None:
    path = tmp_path / 'm.onnx'
    onnx.save(dense_model(), str(path), save_as_external_data=True, location='m.data',
              size_threshold=0)
    digest = read_onnx(path).sha256
    assert check_onnx(path).sha256 == digest
    weights = bytearray((tmp_path / 'm.data').read_bytes())
    weights[0] ^= 1
    (tmp_path / 'm.data').write_bytes(bytes(weights))
    assert read_onnx(path).sha256 != digest
    (tmp_path / 'm.data').unlink()
    with pytest.raises(ModelError, match='m.data, which cannot be read'):
        check_onnx(path)


def test_external_data_outside_the_folder_is_refused(tmp_path: Path) -> None:
    inner = tmp_path / 'inner'
    inner.mkdir()
    path = inner / 'm.onnx'
    onnx.save(dense_model(), str(path), save_as_external_data=True, location='m.data',
              size_threshold=0)
    (inner / 'm.data').rename(tmp_path / 'm.data')
    model = onnx.load(str(path), load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == 'location':
                entry.value = '../m.data'
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match='outside its own folder'):
        check_onnx(path)
