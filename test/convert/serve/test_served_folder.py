# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines become models of a Triton model repository, and are read from it."""

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import subprocess
import sys

from google.protobuf import text_format
import numpy as np
import onnxruntime
import pytest
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError, ConfigurationError, ManifestError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.kserve.served_model import (
    CONFIG, differences, PIXELS, read_served_folder, TENSORS)

configuration = pytest.importorskip('tritonclient.grpc.model_config_pb2')


@pytest.fixture(scope='module')
def engine(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, EngineManifest]:
    folder = tmp_path_factory.mktemp('serve')
    build_engine(save(dense_model((96, 64)), folder / 'm.onnx'), folder / 'm.engine',
                 BuildOptions(
                     input_contract='{"mean": [0.2, 0.4, 0.5], "std": [0.5, 0.25, 1.0]}'))
    return read_engine(folder / 'm.engine')


def parsed(folder: Path) -> object:
    """Return the configuration as the server's own format reads it."""
    return text_format.Parse((folder / CONFIG).read_text(), configuration.ModelConfig())


@pytest.mark.parametrize('backend', ['onnxruntime', 'python'])
def test_the_configuration_has_the_servers_form(
        engine: tuple[bytes, EngineManifest], tmp_path: Path, backend: str) -> None:
    written = write_served_model(tmp_path, 'road', *engine, backend, instances=2)
    config = parsed(written.folder)
    assert (config.name, config.backend, config.max_batch_size) == ('road', backend, 0)
    assert [group.count for group in config.instance_group] == [2]
    (pixels,) = config.input
    assert (pixels.name, list(pixels.dims)) == ('pixels', [1, 64, 96, 3])
    assert [output.name for output in config.output] == [
        spec.name for spec in engine[1].outputs]
    (blank,) = config.model_warmup
    assert list(blank.inputs['pixels'].dims) == [1, 64, 96, 3]
    assert (written.folder / '1' / config.default_model_filename).is_file()
    assert read_served_folder(written.folder).served.manifest == engine[1]


@pytest.mark.parametrize('mean, std', [
    ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.2, 0.4, 0.5), (1.0, 1.0, 1.0)),
    ((0.2, 0.4, 0.5), (0.5, 0.25, 1.0))])
def test_the_served_graph_computes_what_the_host_computes(
        engine: tuple[bytes, EngineManifest], tmp_path: Path, mean: tuple[float, float, float],
        std: tuple[float, float, float]) -> None:
    image = replace(engine[1].image_input, mean=mean, std=std)
    engine = engine[0], replace(engine[1], input_kinds=(image,))
    written = write_served_model(tmp_path, 'road', *engine)
    frame = noise_frame((96, 64))
    tensor = np.empty((1, 3, 64, 96), np.float32)
    preprocess = ImagePreprocess(image)
    preprocess.fill_tensor(frame, preprocess.fit(frame), tensor)
    expected = onnxruntime.InferenceSession(engine[0]).run(None, {'images': tensor})
    rgb = np.ascontiguousarray(frame.pixels[None, ..., ::-1])
    found = onnxruntime.InferenceSession(str(written.folder / '1/model.onnx')).run(
        None, {'pixels': rgb})
    for ours, theirs in zip(found, expected):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_the_same_engine_again_writes_nothing_and_another_one_a_new_version(
        engine: tuple[bytes, EngineManifest], tmp_path: Path) -> None:
    first = write_served_model(tmp_path, 'road', *engine)
    again = write_served_model(tmp_path, 'road', *engine)
    assert (first.version, first.is_new, again.version, again.is_new) == (1, True, 1, False)
    for number in range(2, 5):
        manifest = replace(engine[1], labels=(*engine[1].labels[:-1], f'class {number}'))
        assert write_served_model(tmp_path, 'road', engine[0], manifest).version == number
    assert sorted(path.name for path in first.folder.iterdir()) == ['3', '4', CONFIG]
    newest = read_served_folder(first.folder)
    assert newest.version == 4 and differences(engine[1], newest.served.manifest) == [
        'labels: ["car", "truck", "pedestrian"], served ["car", "truck", "class 4"]']


def test_a_plan_of_tensorrt_takes_the_tensors_of_the_network(
        engine: tuple[bytes, EngineManifest], tmp_path: Path) -> None:
    """Only the form of the configuration is checked: a plan needs a server with a GPU."""
    manifest = replace(engine[1], backend='tensorrt')
    written = write_served_model(tmp_path, 'road', engine[0], manifest)
    config = parsed(written.folder)
    assert config.backend == 'tensorrt' and config.instance_group[0].kind == 2 - 1
    assert (config.input[0].name, list(config.input[0].dims)) == ('images', [1, 3, 64, 96])
    found = read_served_folder(written.folder)
    assert (written.sent, found.served.sent, found.model_path.name) == (
        TENSORS, TENSORS, 'model.plan')


@pytest.mark.parametrize('damage, code, words', [
    (lambda folder: (folder / '1/model.onnx').write_bytes(b'x'), 'served_model_damaged',
     'sha256'),
    (lambda folder: (folder / '1/model.onnx').unlink(), 'served_model_damaged', 'has no model'),
    (lambda folder: (folder / CONFIG).write_text('name: "road"'), 'served_model_unknown',
     'not written by edge_trt_ros'),
    (lambda folder: (folder / CONFIG).write_text(
        (folder / CONFIG).read_text().replace('truck', 'train')), 'served_model_damaged',
     'sha256')])
def test_a_damaged_folder(engine: tuple[bytes, EngineManifest], tmp_path: Path, damage: object,
                          code: str, words: str) -> None:
    folder = write_served_model(tmp_path, 'road', *engine).folder
    damage(folder)  # type: ignore[operator]
    with pytest.raises(ManifestError, match=words) as caught:
        read_served_folder(folder)
    assert caught.value.code == code and len(str(caught.value).splitlines()) == 1
    assert write_served_model(tmp_path, 'road', *engine).is_new
    read_served_folder(folder)


def test_bad_names_and_folders(engine: tuple[bytes, EngineManifest], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='no name of a served model'):
        write_served_model(tmp_path, '../road', *engine)
    (tmp_path / 'road').write_text('a file')
    with pytest.raises(BuildError, match='cannot be written') as caught:
        write_served_model(tmp_path, 'road', *engine)
    assert caught.value.code == 'serve_folder'


def test_the_commands(tmp_path: Path) -> None:
    onnx = save(dense_model(), tmp_path / 'm.onnx')
    built = run('build_engine', onnx, '-o', tmp_path / 'road.engine', '--serve',
                tmp_path / 'models', '--serve-backend', 'python')
    assert 'version 1 written' in built and 'a robot sends pixels' in built
    shown = run('inspect_engine', tmp_path / 'models/road')
    assert 'version 1' in shown and 'the back end python' in shown and 'uint8' in shown
    document = json.loads(run('inspect_engine', tmp_path / 'models/road', '--json'))
    assert (document['sent'], document['manifest']['task']) == (PIXELS, 'detect')


def run(*arguments: object) -> str:
    """Run a command; return what it printed."""
    return subprocess.run([sys.executable, '-m', 'edge_trt_ros', *map(str, arguments)],
                          check=True, capture_output=True, text=True, timeout=60).stdout
