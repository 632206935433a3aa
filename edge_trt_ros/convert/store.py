"""
Where engines live on disk: one builder at a time, replaced whole or not at all.

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

from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import BuildError, EdgeTrtError
from edge_trt_ros.files import read_file, write_file
from edge_trt_ros.manifest import EngineManifest, manifest_path


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


def check_disk_space(engine_path: Path, needed_bytes: int) -> None:
    """
    Refuse a build whose engine will hardly find room, before minutes are spent on it.

    :param engine_path: where the engine will go; its folder is there.
    :param needed_bytes: what it may take (`BuildPlan.disk_bytes`).
    :raises BuildError: with the space that is there and that is needed.
    """
    free = shutil.disk_usage(engine_path.parent).free
    if free < needed_bytes:
        raise BuildError(f'{engine_path.parent} has {free / 1e6:.0f} MB left, but the engine may '
                         f'take {needed_bytes / 1e6:.0f} MB: make room, or choose another '
                         'engine_file_path')


def install(engine_path: Path, engine: bytes, manifest: EngineManifest) -> None:
    """
    Put an engine and its manifest in place; a reader sees the old pair or the new one.

    :param engine_path: where the engine goes; the caller holds its lock.
    :param engine: the engine's bytes.
    :param manifest: what they are.
    :raises BuildError: if the disk refuses; the old engine stays.
    """
    following = next_manifest_path(engine_path)
    try:
        manifest.check_engine(engine, engine_path)
        write_file(following, manifest.to_json().encode())
        write_file(engine_path, engine)
        os.replace(following, manifest_path(engine_path))
        _sync_folder(engine_path.parent)
    except OSError as error:
        try:
            following.unlink(missing_ok=True)
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
            if read_file(following) == manifest.to_json().encode():
                os.replace(following, manifest_path(engine_path))
                return
        except (EdgeTrtError, OSError):
            pass  # there is no engine that it could belong to
        following.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
