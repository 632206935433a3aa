# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorFlow and Keras networks are exported through tf2onnx and checked like others."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import onnxruntime
import pytest

from edge_trt_ros.errors import EdgeTrtError, MissingLibraryError
from edge_trt_ros.export.export import export_onnx
from edge_trt_ros.export.options import ExportOptions, inputs_from_text

MISSING = [name for name in ('tensorflow', 'tf2onnx') if importlib.util.find_spec(name) is None]
needs_tensorflow = pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}")
OPTIONS = ExportOptions(inputs_from_text(['1x3x32x64'], []), output_names=('scores',), opset=17)


@pytest.fixture(scope='module')
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with one network as a Keras file and as a SavedModel."""
    import tensorflow as tf
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.Sequential([
        tf.keras.Input((32, 64, 3)), tf.keras.layers.Conv2D(8, 3, 2, activation='relu'),
        tf.keras.layers.GlobalAveragePooling2D(), tf.keras.layers.Dense(4, 'softmax')])
    folder = tmp_path_factory.mktemp('tensorflow')
    network.save(folder / 'm.keras')
    network.export(str(folder / 'saved'), verbose=False)
    return folder


@needs_tensorflow
@pytest.mark.parametrize('name', ['m.keras', 'saved'])
@pytest.mark.parametrize('dynamic', [(), ('batch',)])
def test_image_inputs_are_nchw(tmp_path: Path, saved: Path, name: str,
                               dynamic: tuple[str, ...]) -> None:
    import tensorflow as tf
    path = tmp_path / 'm.onnx'
    report = export_onnx(str(saved / name), path, ExportOptions(
        OPTIONS.inputs, OPTIONS.output_names, frozenset(dynamic), 17))
    first = 'batch' if dynamic else '1'
    assert report['inputs'] == [f'images float[{first}, 3, 32, 64]']
    assert report['outputs'][0].startswith('scores') and report['parity']['max_error'] < 1e-5
    image = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)
    expected = tf.keras.models.load_model(saved / 'm.keras')(image.transpose(0, 2, 3, 1)).numpy()
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    np.testing.assert_allclose(session.run(None, {'images': image})[0], expected, atol=1e-5)


@needs_tensorflow
def test_another_process_writes_the_same_bytes(tmp_path: Path, saved: Path) -> None:
    for seed in '12':
        subprocess.run(
            [sys.executable, '-m', 'edge_trt_ros', 'export_onnx', saved / 'saved', '-o',
             tmp_path / f'{seed}.onnx', '--input-shape', '1x3x32x64'], check=True,
            capture_output=True, env=os.environ | {'PYTHONHASHSEED': seed})
    assert (tmp_path / '1.onnx').read_bytes() == (tmp_path / '2.onnx').read_bytes()


@needs_tensorflow
def test_networks_that_cannot_be_exported(tmp_path: Path, saved: Path) -> None:
    (tmp_path / 'm.keras').write_bytes(b'no network')
    for source, options, match in (
            (tmp_path / 'm.keras', OPTIONS, 'cannot be loaded by TensorFlow'),
            (saved / 'm.keras', ExportOptions(inputs_from_text(['1x3', '1x3'], [])),
             'has 1 inputs, but 2 input shapes'),
            (saved / 'saved', ExportOptions(OPTIONS.inputs, ('a', 'b'), opset=17),
             '2 output names are given'),
            (saved / 'saved', ExportOptions(inputs_from_text(['1x8'], [])), 'cannot export')):
        with pytest.raises(EdgeTrtError, match=match) as caught:
            export_onnx(str(source), tmp_path / 'm.onnx', options)
        assert len(str(caught.value).splitlines()) == 1


@pytest.mark.skipif(not MISSING, reason='TensorFlow and tf2onnx are installed')
def test_missing_libraries_are_named(tmp_path: Path) -> None:
    (tmp_path / 'saved').mkdir()
    (tmp_path / 'saved' / 'saved_model.pb').write_bytes(b'')
    with pytest.raises(MissingLibraryError, match='is not installed: pip install .*tf2onnx'):
        export_onnx(str(tmp_path / 'saved'), tmp_path / 'm.onnx', OPTIONS)
