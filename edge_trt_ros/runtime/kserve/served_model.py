# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A model of ours on a server: what its configuration states, and how its folder is read.

The parameters of the served configuration carry the manifest of the engine, so a robot needs
only the address of the server and the name of the model. A folder is read without a server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
import re
from typing import Any

from edge_trt_ros.errors import ManifestError
from edge_trt_ros.files import read_file, sha256_hex
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.manifest_json import manifest_from_json

CONFIG, MANIFEST = 'config.pbtxt', 'manifest.json'
# Parameters of the configuration.
MANIFEST_TEXT, MANIFEST_SHA256 = 'edge_trt_ros_manifest', 'edge_trt_ros_manifest_sha256'
MODEL_SHA256, SENT = 'edge_trt_ros_model_sha256', 'edge_trt_ros_sent'
# What a robot sends for each frame: its letterboxed pixels, or the network's input tensors.
PIXELS, TENSORS = 'pixels', 'tensors'
SERVE_AGAIN = 'write it again with `build_engine MODEL.onnx -o ENGINE --serve DIR`'
# Of the protocol, by the dtypes of a manifest.
DATATYPES: Mapping[str, str] = {
    'float32': 'FP32', 'float16': 'FP16', 'bfloat16': 'BF16', 'uint8': 'UINT8', 'int8': 'INT8',
    'int32': 'INT32', 'int64': 'INT64', 'bool': 'BOOL'}
_MAX_CONFIG_BYTES = 256 << 20  # a manifest may contain a tokenizer
_PARAMETER = re.compile(r'key: "(edge_trt_ros_\w+)" value \{ string_value: "((?:[^"\\]|\\.)*)" \}')
_MODEL_FILES = ('model.onnx', 'model.plan')


@dataclass(frozen=True)
class ServedModel:
    """
    What a served configuration says about a model of ours.

    :param manifest: manifest of the engine that is served.
    :param manifest_sha256: hash of the manifest's text.
    :param sent: what a robot sends: `PIXELS` or `TENSORS`.
    :param model_sha256: hash of the model file.
    """

    manifest: EngineManifest
    manifest_sha256: str
    sent: str
    model_sha256: str


@dataclass(frozen=True)
class ServedFolder:
    """
    A model in a model repository.

    :param served: what its configuration states.
    :param version: its newest version.
    :param backend: the server's back end.
    :param model_path: the model file of that version.
    """

    served: ServedModel
    version: int
    backend: str
    model_path: Path


def served_model(parameters: Mapping[str, str], origin: str) -> ServedModel:
    """
    Return what the parameters of a served configuration state.

    :param parameters: the parameters by name.
    :param origin: the file or server that states them, for messages.
    :raises ManifestError: if the model is not one of ours, or its manifest is damaged.
    """
    missing = [name for name in (MANIFEST_TEXT, MANIFEST_SHA256, MODEL_SHA256, SENT)
               if name not in parameters]
    if missing:
        raise ManifestError(f"the configuration of {origin} lacks {', '.join(missing)}, so it "
                            f'was not written by edge_trt_ros: {SERVE_AGAIN}',
                            code='served_model_unknown')
    text, stated = parameters[MANIFEST_TEXT], parameters[MANIFEST_SHA256]
    found = sha256_hex(text.encode())
    if found != stated:
        raise ManifestError(f'the manifest of {origin} has sha256 {found[:12]}..., but its '
                            f'configuration states {stated[:12]}...: {SERVE_AGAIN}',
                            code='served_model_damaged')
    if parameters[SENT] not in (PIXELS, TENSORS):
        raise ManifestError(f"{origin} reads '{parameters[SENT]}', expected {PIXELS} or "
                            f'{TENSORS}: update edge_trt_ros', code='served_model_unknown')
    return ServedModel(manifest_from_json(text, f'the manifest of {origin}'), stated,
                       parameters[SENT], parameters[MODEL_SHA256])


def is_served_folder(path: Path) -> bool:
    """Return whether a path is the folder of a model in a model repository."""
    return (path / CONFIG).is_file()


def read_served_folder(folder: Path) -> ServedFolder:
    """
    Read a model in a model repository, and check that its files belong together.

    :param folder: the folder with `config.pbtxt` and a folder for each version.
    :raises ManifestError: if a file is missing or damaged, or the model is not one of ours.
    :raises OSError: if a file cannot be read.
    """
    text = read_file(folder / CONFIG, _MAX_CONFIG_BYTES).decode('utf-8', 'replace')
    parameters = {name: unescaped(value) for name, value in _PARAMETER.findall(text)}
    served = served_model(parameters, str(folder))
    version = newest_version(folder)
    path = next((folder / str(version) / name for name in _MODEL_FILES
                 if (folder / str(version) / name).is_file()), None)
    if path is None:
        raise ManifestError(f"{folder} has no {' or '.join(_MODEL_FILES)} in the folder of a "
                            f'version: {SERVE_AGAIN}', code='served_model_damaged')
    found = sha256_hex(read_file(path))
    if found != served.model_sha256:
        raise ManifestError(f'{path} has sha256 {found[:12]}..., but the configuration states '
                            f'{served.model_sha256[:12]}...: {SERVE_AGAIN}',
                            code='served_model_damaged')
    backend = re.search(r'^backend: "(\w+)"', text, re.MULTILINE)
    return ServedFolder(served, version, backend.group(1) if backend else '', path)


def newest_version(folder: Path) -> int:
    """Return the newest version of a model in a repository; 0 if there is none."""
    return max((int(path.name) for path in folder.glob('[0-9]*')
                if path.name.isdecimal() and path.is_dir()), default=0)


def manifest_text(manifest: EngineManifest) -> str:
    """Return the manifest as a line of JSON in ASCII, as a configuration carries it."""
    return json.dumps(manifest.to_dict())


def escaped(text: str) -> str:
    """Return ASCII text as the content of a string in a protobuf text file."""
    return text.replace('\\', '\\\\').replace('"', '\\"')


def unescaped(text: str) -> str:
    """Return the text that `escaped` was given."""
    return re.sub(r'\\(.)', r'\1', text)


def differences(expected: EngineManifest, served: EngineManifest) -> list[str]:
    """Return what differs between two manifests, as 'labels: 80 values, served 3 values'."""
    old, new = (json.loads(manifest_text(manifest)) for manifest in (expected, served))
    return [f'{name}: {_short(old[name])}, served {_short(new[name])}'
            for name in old if old[name] != new.get(name)]


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f'{len(value)} values' \
        if isinstance(value, (list, dict)) else f'{text[:57]}...'
