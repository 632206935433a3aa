# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Writes a model of a Triton model repository from an engine.

The folder of a new version appears with one rename, then the configuration is replaced: a server
that reads it at any time finds whole files. The version before stays, so that it serves until the
new one is ready; older ones are removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil

from edge_trt_ros.convert.serve.config import ServedConfig
from edge_trt_ros.convert.serve.destination import ONNX_BACKENDS
from edge_trt_ros.convert.serve.pixels import pixels_graph, reads_pixels
from edge_trt_ros.convert.serve.python_backend import MODEL_PY
from edge_trt_ros.errors import BuildError, ConfigurationError, EdgeTrtError
from edge_trt_ros.files import sha256_hex, write_file
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.runtime.kserve.served_model import (
    CONFIG, MANIFEST, MANIFEST_SHA256, MANIFEST_TEXT, manifest_text, MODEL_SHA256, newest_version,
    PIXELS, read_served_folder, SENT, TENSORS)
from edge_trt_ros.runtime.select import ONNXRUNTIME
from edge_trt_ros.tensor_spec import TensorSpec

_KEPT_VERSIONS = 2


@dataclass(frozen=True)
class Written:
    """
    A model in a repository.

    :param folder: its folder.
    :param version: the version of this engine.
    :param backend: the server's back end.
    :param sent: what a robot sends for each frame: 'pixels' or 'tensors'.
    :param is_new: whether the version was written; False if it was there already.
    """

    folder: Path
    version: int
    backend: str
    sent: str
    is_new: bool

    def sentence(self) -> str:
        """Return what was written, for a terminal."""
        state = 'written' if self.is_new else 'there already'
        return (f"{self.folder}: version {self.version} {state}, for the server's back end "
                f'{self.backend}; a robot sends {self.sent}')


def write_served_model(repository: Path, name: str, engine: bytes, manifest: EngineManifest,
                       backend: str = ONNXRUNTIME, instances: int = 1) -> Written:
    """
    Write an engine as the newest version of a model.

    :param repository: the model repository; created if it is missing.
    :param name: name of the model.
    :param engine: bytes of the engine, checked against its manifest.
    :param manifest: its manifest.
    :param backend: the server's back end for an ONNX; a TensorRT plan has its own.
    :param instances: how many copies of the network run side by side.
    :raises ConfigurationError: for a name that is no name of a folder, or an unknown back end.
    :raises BuildError: if the folder cannot be written; what was there stays.
    """
    if not re.fullmatch(r'[A-Za-z0-9_][A-Za-z0-9_.-]*', name):
        raise ConfigurationError(f"'{name}' is no name of a served model: name the engine file "
                                 'with letters, digits, points, dashes and underscores')
    if backend not in ONNX_BACKENDS:
        raise ConfigurationError(f"the server's back end is '{backend}', expected "
                                 f"{' or '.join(ONNX_BACKENDS)}")
    if manifest.states:
        raise ConfigurationError('the network has a state, which a server does not keep between '
                                 'requests: run the engine on the robot', code='state_served')
    is_onnx = manifest.backend == ONNXRUNTIME
    is_pixels = is_onnx and reads_pixels(manifest)
    inputs = [TensorSpec(spec.name, spec.dtype, manifest.input_shape(spec.name))
              for spec in manifest.inputs]
    model = engine
    if is_pixels:
        width, height = manifest.image_input.size_wh
        pixels = _free_name(manifest)
        model = pixels_graph(engine, manifest, pixels)
        inputs = [TensorSpec(pixels, 'uint8', (1, height, width, 3))]
    text = manifest_text(manifest)
    config = ServedConfig(
        name, backend if is_onnx else 'tensorrt', inputs, manifest.outputs, instances,
        max_batch=1, parameters={
            MANIFEST_TEXT: text, MANIFEST_SHA256: sha256_hex(text.encode()),
            MODEL_SHA256: sha256_hex(model), SENT: PIXELS if is_pixels else TENSORS})
    files = {'model.onnx' if is_onnx else 'model.plan': model,
             MANIFEST: manifest.to_json().encode()}
    if config.backend == 'python':
        files['model.py'] = MODEL_PY.encode()
    try:
        version, is_new = _install(repository / name, files, config)
    except OSError as error:
        raise BuildError(f'{repository / name} cannot be written: {error.strerror}; choose '
                         'another folder for --serve or make room; what was there is untouched',
                         code='serve_folder') from error
    return Written(repository / name, version, config.backend, PIXELS if is_pixels else TENSORS,
                   is_new)


def _free_name(manifest: EngineManifest) -> str:
    taken = {spec.name for spec in (*manifest.inputs, *manifest.outputs)}
    return next(name for name in ('pixels', 'pixels_uint8', 'edge_trt_ros_pixels')
                if name not in taken)


def _install(folder: Path, files: Mapping[str, bytes], config: ServedConfig
             ) -> tuple[int, bool]:
    newest = newest_version(folder)
    if newest and _is_same(folder, config):
        return newest, False
    folder.mkdir(parents=True, exist_ok=True)
    version = newest + 1
    staged = folder / f'.{version}.{os.getpid()}.tmp'
    try:
        for file_name, content in files.items():
            write_file(staged / file_name, content)
        os.replace(staged, folder / str(version))
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    write_file(folder / CONFIG, config.text().encode())
    for path in folder.glob('[0-9]*'):
        if path.name.isdecimal() and int(path.name) <= version - _KEPT_VERSIONS:
            shutil.rmtree(path, ignore_errors=True)
    return version, True


def _is_same(folder: Path, config: ServedConfig) -> bool:
    """Return whether the newest version holds the same model with the same configuration."""
    try:
        read_served_folder(folder)
        return (folder / CONFIG).read_text(encoding='utf-8') == config.text()
    except (EdgeTrtError, OSError, UnicodeDecodeError):
        return False
