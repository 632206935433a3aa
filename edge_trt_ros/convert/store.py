"""
Where engines live on disk: stale or fresh, one builder at a time, replaced whole or not at all.

The lock is the kernel's (`flock`), so it goes with the process that holds it, however that one
ends. Whatever a killed builder left behind is swept by the next one that takes the lock.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import fcntl
import os
from pathlib import Path
import shutil
from time import time

from edge_trt_ros.convert.graph.check import onnx_sha256, onnx_size_bytes
from edge_trt_ros.convert.options import ConversionRecipe
from edge_trt_ros.convert.precision.calibration import calibration_sha256
from edge_trt_ros.convert.toolchain import find_toolchain
from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import BuildError, EdgeTrtError
from edge_trt_ros.manifest import EngineManifest, manifest_path


def why_stale(engine_path: Path, onnx_path: Path, recipe: ConversionRecipe) -> str:
    """
    Say why an engine has to be built again; an empty answer means that it is fresh.

    :param engine_path: the installed engine, if any.
    :param onnx_path: the ONNX that it should come from.
    :param recipe: how it should be built.
    """
    if not engine_path.exists():
        return 'there was no engine yet'
    try:
        _, manifest = read_engine(engine_path)
    except EdgeTrtError as error:
        return str(error)
    if onnx_path.is_file() and onnx_sha256(onnx_path) != manifest.source_onnx_sha256:
        return f'{onnx_path.name} has changed since the engine was built'
    toolchain = find_toolchain(recipe)
    images = manifest.recipe.get('calibration_sha256', '')
    if Path(recipe.calibration).expanduser().exists():
        images = calibration_sha256(recipe)
    if toolchain.cache_key(recipe, manifest.source_onnx_sha256, images) == manifest.cache_key:
        return ''
    changed = [f'{name} is {manifest.recipe.get(name)!r} in the engine and {value!r} now'
               for name, value in recipe.to_dict().items() if manifest.recipe.get(name) != value]
    if images != manifest.recipe.get('calibration_sha256', ''):
        changed.append('the calibration images have changed')
    built_with = f'{manifest.backend} {manifest.backend_version}'
    builds_now = f'{toolchain.backend} {toolchain.version}'
    if built_with != builds_now:
        changed.append(f'it was built with {built_with} and {builds_now} builds now')
    return '; '.join(changed) or 'it was built for another GPU or by an older edge_trt_ros'


@contextmanager
def locked(engine_path: Path) -> Iterator[None]:
    """
    Hold the right to install one engine.

    :param engine_path: the engine file; its folder is made if it is missing.
    :raises BuildError: if another process is building it now.
    """
    lock_path = engine_path.with_name(f'.{engine_path.name}.lock')
    descriptor = _take(lock_path, engine_path)
    try:
        _sweep(engine_path)
        yield
    finally:
        # Unlinked while it is held: whoever waits on the old file finds it gone and retries.
        lock_path.unlink(missing_ok=True)
        os.close(descriptor)


def check_disk_space(engine_path: Path, onnx_path: Path) -> None:
    """
    Refuse a build whose engine will hardly find room, before minutes are spent on it.

    :param engine_path: where the engine will go; its folder is there.
    :param onnx_path: what it comes from. An engine takes as many bytes as its weights, rarely
        twice as many, and the old one stays beside the new one until that is whole.
    :raises BuildError: with the space that is there and that is needed.
    """
    try:
        needed = 2 * onnx_size_bytes(onnx_path)
        free = shutil.disk_usage(engine_path.parent).free
    except (EdgeTrtError, OSError):
        return  # what is wrong with these files is told by whoever reads them
    if free < needed:
        raise BuildError(f'{engine_path.parent} has {free / 1e6:.0f} MB left, but the engine may '
                         f'take {needed / 1e6:.0f} MB: make room, or choose another '
                         'engine_file_path')


def install(engine_path: Path, engine: bytes, manifest: EngineManifest) -> None:
    """
    Put an engine and its manifest in place; a reader sees the old pair or the new one.

    :param engine_path: where the engine goes; the caller holds its lock.
    :param engine: the engine's bytes.
    :param manifest: what they are.
    :raises BuildError: if the disk refuses; the old engine stays.
    """
    staged = engine_path.with_name(f'.{engine_path.name}.{os.getpid()}.tmp')
    try:
        manifest.check_engine(engine, engine_path)
        _write(staged, manifest.to_json().encode())
        os.replace(staged, next_manifest_path(engine_path))
        _write(staged, engine)
        os.replace(staged, engine_path)
        os.replace(next_manifest_path(engine_path), manifest_path(engine_path))
        _sync_folder(engine_path.parent)
    except OSError as error:
        for path in (staged, next_manifest_path(engine_path)):
            try:
                path.unlink(missing_ok=True)
            except OSError:
                pass  # the first error is the one to tell
        raise BuildError(f'{engine_path} cannot be written: {error.strerror}; '
                         'the engine that was there is untouched') from error


def _take(lock_path: Path, engine_path: Path) -> int:
    while True:
        try:
            engine_path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BuildError(f'{engine_path.parent} cannot be written: {error.strerror}; choose '
                             'another engine_file_path or mend its rights') from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 32, 0).decode(errors='replace')
            age_s = max(0.0, time() - os.fstat(descriptor).st_mtime)
            os.close(descriptor)
            raise BuildError(f'{engine_path} is being built by process {owner or "unknown"} for '
                             f'{age_s:.0f} s: wait for it or cancel it') from None
        if lock_path.exists() and os.path.samestat(os.fstat(descriptor), lock_path.stat()):
            os.truncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            return descriptor
        os.close(descriptor)


def _sweep(engine_path: Path) -> None:
    for path in engine_path.parent.glob(f'.{engine_path.name}.*.tmp'):
        path.unlink(missing_ok=True)
    following = next_manifest_path(engine_path)
    if following.exists():
        try:
            _, manifest = read_engine(engine_path)
            if following.read_text(encoding='utf-8') == manifest.to_json():
                os.replace(following, manifest_path(engine_path))
                return
        except (EdgeTrtError, UnicodeDecodeError):
            pass  # there is no engine that it could belong to
        following.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with open(path, 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
