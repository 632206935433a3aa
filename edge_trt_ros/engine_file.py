"""
Reading an engine file together with the manifest that describes it.

Two files cannot be replaced in one step. Whoever installs an engine therefore writes the new
manifest to `<engine>.json.next` first, then replaces the engine, then renames the manifest
into place. Whatever moment it is stopped at, one of the two manifests describes the engine
that is there: the reader takes the one whose hash matches.
"""

from __future__ import annotations

import os
from pathlib import Path

from edge_trt_ros.errors import EngineError, ManifestError
from edge_trt_ros.manifest import EngineManifest, manifest_from_json, manifest_path, REBUILD

MAX_MANIFEST_BYTES = 16 << 20


def next_manifest_path(engine_path: Path) -> Path:
    """Return where the manifest of an engine lies while that engine is being installed."""
    path = manifest_path(engine_path)
    return path.with_name(path.name + '.next')


def read_engine(engine_path: Path) -> tuple[bytes, EngineManifest]:
    """
    Read an engine and its manifest, and check that they belong together.

    :param engine_path: the engine file.
    :returns: the engine's bytes and its manifest.
    :raises EngineError: if the engine is missing, empty or cannot be read.
    :raises ManifestError: if no manifest is there, or none describes these bytes.
    """
    engine = _read_bytes(engine_path)
    problem: ManifestError | None = None
    for path in (manifest_path(engine_path), next_manifest_path(engine_path)):
        if not path.exists():
            continue
        try:
            manifest = read_manifest(path)
            manifest.check_engine(engine, engine_path)
            return engine, manifest
        except ManifestError as error:
            problem = problem or error
    raise problem or ManifestError(
        f'{engine_path} has no manifest ({manifest_path(engine_path).name} is not beside it), '
        f'so nothing says what it is; {REBUILD}')


def write_file(path: Path, data: bytes) -> None:
    """
    Write a file whole or not at all, and onto the disk.

    :raises OSError: if the disk refuses; what was there stays.
    """
    staged = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    try:
        with open(staged, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise


def read_manifest(path: Path) -> EngineManifest:
    """
    Read a manifest file.

    :raises ManifestError: if it cannot be read as one, saying why.
    """
    if path.stat().st_size > MAX_MANIFEST_BYTES:
        raise ManifestError(f'{path} has {path.stat().st_size} bytes, a manifest has at most '
                            f'{MAX_MANIFEST_BYTES}; {REBUILD}')
    try:
        return manifest_from_json(path.read_text(encoding='utf-8'), str(path))
    except UnicodeDecodeError as error:
        raise ManifestError(f'{path} is not UTF-8 text ({error}); {REBUILD}') from error


def _read_bytes(engine_path: Path) -> bytes:
    try:
        engine = engine_path.read_bytes()
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
