# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Bad input is refused with a one-line message and an error code; the old engine stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import helper, numpy_helper
import pytest
from support.image_folder import image_folder
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph import load as load_module
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import described, EdgeTrtError
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt


@dataclass
class Case:
    """
    A bad input.

    :param spoil: spoils the inputs of a build, given the path of the ONNX file and its folder.
    :param code: the expected error code.
    :param options: build options; {folder} is replaced by the folder.
    """

    spoil: Callable[[Path, Path], None]
    code: str
    options: dict[str, Any] = field(default_factory=dict)


def with_weights_outside(path: Path, folder: Path) -> None:
    model = dense_model()
    for tensor in model.graph.initializer:  # onnx externalises only tensors with raw data
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.save(model, str(path), save_as_external_data=True, location='weights.bin',
              size_threshold=0)
    (folder / 'weights.bin').unlink()


def with_nan(path: Path, folder: Path) -> None:
    model = dense_model()
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == 'kernel_8')
    values = numpy_helper.to_array(kernel).copy()
    values[0] = np.nan
    kernel.CopyFrom(numpy_helper.from_array(values, kernel.name))
    onnx.save(model, str(path))


def with_plugin(path: Path, folder: Path) -> None:
    model = dense_model()
    model.graph.node[0].op_type, model.graph.node[0].domain = 'DCNv2', 'mine'
    model.opset_import.append(helper.make_opsetid('mine', 1))
    onnx.save(model, str(path))


def with_an_operator_that_onnx_runtime_lacks(path: Path, folder: Path) -> None:
    # Of a domain that ONNX Runtime knows, so only loading the network shows that it is missing.
    model = dense_model()
    node = next(node for node in model.graph.node if node.op_type == 'Sigmoid')
    node.op_type, node.domain = 'NotInOnnxRuntime', 'com.microsoft'
    model.opset_import.append(helper.make_opsetid('com.microsoft', 1))
    onnx.save(model, str(path))


def with_an_operator_that_tensorrt_lacks(path: Path, folder: Path) -> None:
    model = dense_model()
    for node in model.graph.node:
        if node.op_type == 'Sigmoid':
            node.input[0], node.output[0] = node.input[0], 'before_det'
    model.graph.node.insert(len(model.graph.node) - 1, helper.make_node(
        'Mod', ['before_det', 'before_det'], ['bits'], fmod=1))
    model.graph.node.insert(len(model.graph.node) - 1, helper.make_node(
        'StringNormalizer', ['text'], ['normal']))
    model.graph.node.insert(len(model.graph.node) - 1, helper.make_node(
        'Identity', ['before_det'], ['sigmoids']))
    model.graph.initializer.append(helper.make_tensor(
        'text', onnx.TensorProto.STRING, [1], [b'text']))
    onnx.save(model, str(path))


def with_a_broken_image(path: Path, folder: Path) -> None:
    image_folder(folder / 'images')
    (folder / 'images' / '02.png').write_bytes(b'\x89PNG and nothing else')


def with_a_folder_in_place_of_an_image(path: Path, folder: Path) -> None:
    image_folder(folder / 'images')
    (folder / 'images' / '99.png').mkdir()


def with_an_image_that_is_gone(path: Path, folder: Path) -> None:
    image_folder(folder / 'images')
    (folder / 'images' / '99.png').symlink_to(folder / 'nowhere.png')


def with_an_empty_folder(path: Path, folder: Path) -> None:
    (folder / 'images').mkdir()


INT8 = {'precision': 'int8', 'calibration': '{folder}/images'}
CASES = {
    'text': Case(lambda path, folder: path.write_text('not an ONNX') and None, 'not_onnx'),
    'zero bytes': Case(lambda path, folder: path.write_bytes(b'') and None, 'model_empty'),
    'gone': Case(lambda path, folder: path.unlink(), 'model_missing'),
    '3 GB': Case(lambda path, folder: os.truncate(path, 3 << 30), 'model_too_large'),
    'weights gone': Case(with_weights_outside, 'external_data_missing'),
    'NaN': Case(with_nan, 'weights_nan'),
    'a plugin': Case(with_plugin, 'operator_unsupported'),
    'an operator that ONNX Runtime lacks': Case(
        with_an_operator_that_onnx_runtime_lacks, 'reference_unavailable'),
    'labels': Case(lambda path, folder: None, 'labels_mismatch', {'labels': ('a', 'b')}),
    'no calibration': Case(lambda path, folder: None, 'calibration_missing', INT8),
    'empty calibration': Case(with_an_empty_folder, 'calibration_empty', INT8),
    'a broken image': Case(with_a_broken_image, 'calibration_image_broken', INT8),
    'a folder named as an image': Case(
        with_a_folder_in_place_of_an_image, 'calibration_image_broken', INT8),
    'an image that is gone': Case(with_an_image_that_is_gone, 'calibration_image_broken', INT8),
    'bf16 on the CPU': Case(lambda path, folder: None, 'precision_unsupported',
                            {'precision': 'bf16'}),
    'an unknown head': Case(lambda path, folder: None, 'head_unknown', {}),
}
if installed_tensorrt():
    CASES['an operator that TensorRT lacks'] = Case(
        with_an_operator_that_tensorrt_lacks, 'operator_unsupported',
        {'backend': installed_tensorrt()})


@pytest.mark.parametrize('name', CASES)
def test_bad_input_is_refused_and_the_old_engine_stays(name: str, tmp_path: Path) -> None:
    case, path, engine = CASES[name], tmp_path / 'm.onnx', tmp_path / 'm.engine'
    save(dense_model(), path)
    build_engine(path, engine, BuildOptions(backend='onnxruntime'))
    before = engine.read_bytes()
    if name == 'an unknown head':
        save(dense_model(metadata={'task': 'paint'}), path)
    case.spoil(path, tmp_path)
    options = {key: value.format(folder=tmp_path) if isinstance(value, str) else value
               for key, value in case.options.items()}
    with pytest.raises(EdgeTrtError) as refusal:
        build_engine(path, engine, BuildOptions(**{'backend': 'onnxruntime', **options}),
                     force=True)
    assert refusal.value.code == case.code
    sentence = described(refusal.value)
    assert sentence.endswith(f' [{case.code}]') and '\n' not in sentence
    if case.code in ('reference_unavailable', 'operator_unsupported') and 'onnxruntime' == \
            options.get('backend', 'onnxruntime'):
        assert 'nothing was compared' in sentence or 'nothing can be compared' in sentence
    assert engine.read_bytes() == before
    read_engine(engine)
    assert sorted(tmp_path.glob('.*')) == [] or all(
        path.name.endswith('.lock') for path in tmp_path.glob('.*'))


def test_calibration_accepts_images_of_all_sizes(tmp_path: Path) -> None:
    folder = image_folder(tmp_path / 'images')
    cv2.imwrite(str(folder / 'tiny.png'), np.zeros((3, 5, 3), np.uint8))
    manifest, _ = build_engine(
        save(dense_model(weight=1.0), tmp_path / 'm.onnx'), tmp_path / 'm.engine',
        BuildOptions(
            backend='onnxruntime', precision='int8', calibration=str(folder),
            calibration_method='min_max', max_accuracy_drop=1.0))
    assert manifest.layers['precision'] == 'int8'


def test_command_prints_the_error_code(tmp_path: Path) -> None:
    (tmp_path / 'm.onnx').write_text('not an ONNX')
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'build_engine', str(tmp_path / 'm.onnx'), '-o',
         str(tmp_path / 'm.engine')], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.rstrip().endswith('[not_onnx]') and done.stderr.count('\n') == 1


def test_error_codes_are_words() -> None:
    assert all(case.code.replace('_', '').isalpha() for case in CASES.values())
    assert load_module.MAX_ONNX_BYTES < 3 << 30
