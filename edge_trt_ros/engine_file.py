# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Reads an engine file together with its manifest.

Two files cannot be replaced atomically. An installation therefore writes the new manifest to
`<engine>.json.next` first, then replaces the engine, then renames the manifest. If it is
interrupted, one of the two manifests describes the installed engine: the reader uses the manifest
whose hash matches.
"""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.errors import EngineError, ManifestError
from edge_trt_ros.files import read_file
from edge_trt_ros.manifest import EngineManifest, manifest_path, REBUILD
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.signature import PublicKeys

MAX_MANIFEST_BYTES = 128 << 20  # it may contain a tokenizer


def next_manifest_path(engine_path: Path) -> Path:
    """Return the path of an engine's new manifest during its installation."""
    path = manifest_path(engine_path)
    return path.with_name(path.name + '.next')


def read_engine(engine_path: Path, keys: PublicKeys | None = None
                ) -> tuple[bytes, EngineManifest]:
    """
    Read an engine and its manifest, and check that the manifest describes the engine.

    :param engine_path: the engine file.
    :param keys: the keys that may sign it; None accepts an engine without a signature.
    :returns: the engine's bytes and its manifest.
    :raises EngineError: if the engine is missing, empty or unreadable.
    :raises ManifestError: if there is no manifest, no manifest describes these bytes, or none of
        the keys has signed it.
    """
    engine = _read_bytes(engine_path)
    problem: ManifestError | None = None
    for path in (manifest_path(engine_path), next_manifest_path(engine_path)):
        if not path.exists():
            continue
        try:
            manifest = _read_manifest(path, engine_path, keys)
            manifest.check_engine(engine, engine_path)
            return engine, manifest
        except ManifestError as error:
            problem = problem or error
    raise problem or ManifestError(
        f'{engine_path} has no manifest (there is no {manifest_path(engine_path).name} in its '
        f'folder), so its task and inputs are unknown; {REBUILD}')


def read_manifest(engine_path: Path, keys: PublicKeys | None = None) -> EngineManifest:
    """
    Read the manifest of an engine that is not here, but on a server.

    :param engine_path: the engine file; only its manifest is read.
    :param keys: the keys that may sign it; None accepts a manifest without a signature.
    :raises ManifestError: if the file is not a valid manifest, with the reason, or if none of the
        keys has signed it.
    """
    return _read_manifest(manifest_path(engine_path), engine_path, keys)


def manifest_bytes(path: Path) -> bytes:
    """
    Return the content of a manifest file.

    :raises ManifestError: if it cannot be read.
    """
    try:
        return read_file(path, MAX_MANIFEST_BYTES)
    except OSError as error:
        raise ManifestError(f'{path} cannot be read: {error.strerror}; {REBUILD}') from error


def _read_manifest(path: Path, engine_path: Path, keys: PublicKeys | None) -> EngineManifest:
    data = manifest_bytes(path)
    if keys is not None:
        keys.check(data, engine_path)
    try:
        return manifest_from_json(data.decode('utf-8'), str(path))
    except UnicodeDecodeError as error:
        raise ManifestError(f'{path} is not UTF-8 text ({error}); {REBUILD}') from error


def _read_bytes(engine_path: Path) -> bytes:
    try:
        engine = read_file(engine_path)
    except FileNotFoundError:
        raise EngineError(
            f'there is no engine file {engine_path}: build it with `ros2 run edge_trt_ros '
            'build_engine MODEL.onnx -o ENGINE` or through the engine_builder node, or correct '
            'engine_file_path') from None
    except OSError as error:
        raise EngineError(f'{engine_path} cannot be read: {error.strerror}') from error
    if not engine:
        raise EngineError(f'{engine_path} is empty; {REBUILD}')
    return engine
