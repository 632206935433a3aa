# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""PyTorch networks are exported to ONNX files that compute the same, or to no file at all."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
import onnxruntime
import pytest
from support.exports import CLASSIFIER, options
from support.frames import noise_frame

torch = pytest.importorskip('torch', reason='exporting PyTorch networks needs torch')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")

from support import networks  # noqa: E402, I100

from edge_trt_ros.convert.build import build_engine  # noqa: E402
from edge_trt_ros.convert.graph.check import check_onnx  # noqa: E402
from edge_trt_ros.convert.graph.metadata import image_input_from_metadata  # noqa: E402
from edge_trt_ros.convert.options import BuildOptions  # noqa: E402
from edge_trt_ros.errors import ModelError  # noqa: E402
from edge_trt_ros.export import export  # noqa: E402
from edge_trt_ros.export.export import export_onnx  # noqa: E402
from edge_trt_ros.export.options import ExportOptions  # noqa: E402
from edge_trt_ros.network_input import ImageInput  # noqa: E402

IMAGE_INPUT = ImageInput((64, 32), mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))


def shapes_of(path: Path) -> dict[str, list[int | str]]:
    """Return the shapes of inputs and outputs by name."""
    graph = onnx.load(str(path)).graph
    return {value.name: [dim.dim_param or dim.dim_value
                         for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.input, *graph.output)}


def run(path: Path, *feed: np.ndarray) -> list[np.ndarray]:
    """Run an ONNX file."""
    session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    names = [tensor.name for tensor in session.get_inputs()]
    return session.run(None, dict(zip(names, feed)))


def test_a_callable_with_all_metadata(tmp_path: Path) -> None:
    phases: list[str] = []
    report = export_onnx(
        CLASSIFIER, tmp_path / 'sub' / 'm.onnx',
        options(labels=('a', 'b', 'c', 'd'), task='classify', image_input=IMAGE_INPUT,
                output_names=('logits',), names=['pixels']),
        arguments={'classes': 4}, frames=[noise_frame(), noise_frame((64, 32), 1)],
        progress=lambda phase, fraction: phases.append(phase))
    path = tmp_path / 'sub' / 'm.onnx'
    assert shapes_of(path) == {'pixels': [1, 3, 32, 64], 'logits': [1, 4]}
    assert phases == ['export', 'check', 'compare', 'done']
    assert report['parity']['runs'] == 5 and report['parity']['max_error'] < 1e-5
    assert report['parity']['argmax_agreement'] == 1.0
    checked = check_onnx(path)
    assert image_input_from_metadata(checked.metadata, ImageInput((64, 32))) == IMAGE_INPUT
    assert checked.metadata['names'] == "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}"
    assert [file.name for file in path.parent.iterdir()] == ['m.onnx']
    for secret in (str(Path(networks.__file__).parent), 'networks.py', 'stack_trace'):
        assert secret.encode() not in path.read_bytes()


def test_the_engine_uses_the_metadata_of_the_export(tmp_path: Path) -> None:
    labels = ('car', 'truck', 'cone')
    export_onnx('support.networks:Dense', tmp_path / 'm.onnx', options(
        labels=labels, task='detect', image_input=IMAGE_INPUT))
    manifest, _ = build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', BuildOptions())
    assert (manifest.labels, manifest.image_input) == (labels, IMAGE_INPUT)
    assert manifest.head == 'yolo_dense'


def test_a_network_in_memory(network: torch.nn.Module, tmp_path: Path) -> None:
    report = export.export_network(
        network, tmp_path / 'm.onnx', options(
            labels=('a', 'b', 'c', 'd', 'e'), image_input=IMAGE_INPUT,
            metadata={'author': 'me'}), frames=[noise_frame()])
    assert report['parity']['runs'] == 4 and report['parity']['images'] == 1
    assert report['metadata']['author'] == 'me' and report['metadata']['imgsz'] == '[32, 64]'
    image = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(run(tmp_path / 'm.onnx', image)[0], expected, atol=1e-5)


@pytest.mark.parametrize('source, arguments', [
    (CLASSIFIER, None), (CLASSIFIER, [4]), ('support.networks:ready', None)])
def test_callables(tmp_path: Path, source: str, arguments: Any) -> None:
    report = export_onnx(source, tmp_path / 'm.onnx', options(), arguments=arguments)
    assert report['inputs'] == ['images float[1, 3, 32, 64]']


@pytest.mark.parametrize('name', ['weights.pt', 'checkpoint.pt', 'traced.ts', 'program.pt2',
                                  'pickled.pt'])
def test_the_same_network_from_every_kind_of_file(
        tmp_path: Path, files: Path, network: torch.nn.Module, name: str) -> None:
    path = tmp_path / 'm.onnx'
    if name in ('weights.pt', 'checkpoint.pt'):
        export_onnx(CLASSIFIER, path, options(), arguments={'classes': 5}, weights=files / name)
    else:
        export_onnx(str(files / name), path, options(),
                    trust_pickle=name in ('pickled.pt', 'program.pt2'))
    image = np.random.default_rng(0).random((1, 3, 32, 64), np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(image)).numpy()
    np.testing.assert_allclose(run(path, image)[0], expected, atol=1e-5)


@pytest.mark.parametrize('source', [CLASSIFIER, 'traced.ts'])
def test_dynamic_axes(tmp_path: Path, files: Path, source: str) -> None:
    path = tmp_path / 'm.onnx'
    given = source if ':' in source else str(files / source)
    export_onnx(given, path, options(dynamic=frozenset(('batch', 'height', 'width'))))
    assert shapes_of(path)['images'] == ['batch', 3, 'height', 'width']
    assert shapes_of(path)['output0'][0] == 'batch'
    assert run(path, np.zeros((3, 3, 48, 40), np.float32))[0].shape[0] == 3
    assert check_onnx(path, (1, 3, 64, 64)).outputs[0].shape[0] == 1


@pytest.mark.parametrize('source, opset', [(CLASSIFIER, 20), ('traced.ts', 13)])
def test_opsets(tmp_path: Path, files: Path, source: str, opset: int) -> None:
    path = tmp_path / 'm.onnx'
    export_onnx(source if ':' in source else str(files / source), path, options(opset=opset))
    imports = onnx.load(str(path)).opset_import
    assert [entry.version for entry in imports if not entry.domain] == [opset]


def test_several_inputs_and_outputs_and_integers(tmp_path: Path) -> None:
    path = tmp_path / 'm.onnx'
    export_onnx('support.networks:TwoOutputs', path,
                options('1x3x8x8', '1', names=['image', 'scale'], output_names=('big', 'small')))
    assert shapes_of(path) == {'image': [1, 3, 8, 8], 'scale': [1], 'big': [1, 3, 8, 8],
                               'small': [1, 3]}
    export_onnx('support.networks:Tokens', path, options('1x12:int64'))
    assert shapes_of(path) == {'input0': [1, 12], 'output0': [1, 4]}


def test_another_process_writes_the_same_graph(tmp_path: Path) -> None:
    report = export_onnx(CLASSIFIER, tmp_path / 'a.onnx', options(labels=('x', 'y', 'z')))
    (tmp_path / 'labels.txt').write_text('x\ny\nz\n')
    subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'export_onnx', CLASSIFIER, '-o',
         tmp_path / 'b.onnx', '--input-shape', '1x3x32x64', '--labels', tmp_path / 'labels.txt'],
        check=True, capture_output=True, cwd=Path(networks.__file__).parent.parent,
        env=os.environ | {'PYTHONHASHSEED': '7'})
    first, second = onnx.load(str(tmp_path / 'a.onnx')), onnx.load(str(tmp_path / 'b.onnx'))
    # The metadata differ: the command adds the input contract, this call did not.
    assert first.graph == second.graph
    again = export_onnx(CLASSIFIER, tmp_path / 'c.onnx', options(labels=('x', 'y', 'z')))
    assert again['sha256'] == report['sha256']


def test_a_wrong_weight_is_found_and_the_onnx_is_rejected(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = export._finish

    def harm(model: onnx.ModelProto, options: ExportOptions) -> None:
        for tensor in model.graph.initializer:
            if tensor.name == 'body.0.bias':
                tensor.CopyFrom(numpy_helper.from_array(
                    numpy_helper.to_array(tensor) + np.float32(0.1), tensor.name))
        finish(model, options)
    monkeypatch.setattr(export, '_finish', harm)
    (tmp_path / 'm.onnx').write_bytes(b'an older model')
    with pytest.raises(ModelError, match=(
            r"'output0' is .* expected .*; the first diverging value is '\w+' in body\.0, .*"
            r'm\.rejected\.onnx')):
        export_onnx(CLASSIFIER, tmp_path / 'm.onnx', options())
    assert (tmp_path / 'm.onnx').read_bytes() == b'an older model'
    assert 'images' in shapes_of(tmp_path / 'm.rejected.onnx')


def test_values_frozen_by_tracing_are_found(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match='tracing froze'):
        export_onnx('support.networks:Counting', tmp_path / 'm.onnx', options())
    assert [file.name for file in tmp_path.iterdir()] == ['m.rejected.onnx']


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                         ) -> None:
    (tmp_path / 'm.onnx').write_bytes(b'old')

    def full(descriptor: int) -> None:
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(ModelError, match='No space left'):
        export_onnx(CLASSIFIER, tmp_path / 'm.onnx', options())
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [('m.onnx', b'old')]


def test_a_torchvision_model_is_loaded_by_name(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for torchvision, which is not available for every PyTorch."""
    for name, text in (('__init__', ''), ('models', (
            'from support.networks import Classifier\n'
            'def get_model(name, weights=None):\n'
            "    return {('tiny', 'DEFAULT'): Classifier}[name, weights]()\n"))):
        (tmp_path / 'torchvision').mkdir(exist_ok=True)
        (tmp_path / 'torchvision' / f'{name}.py').write_text(text)
    for name in [name for name in sys.modules if name.split('.')[0] == 'torchvision']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert export_onnx('tiny', tmp_path / 'm.onnx', options())['parity']['max_error'] < 1e-5
    with pytest.raises(ModelError, match='other cannot be called'):
        export_onnx('other', tmp_path / 'm.onnx', options())
    for name in [name for name in sys.modules if name.split('.')[0] == 'torchvision']:
        monkeypatch.delitem(sys.modules, name)
