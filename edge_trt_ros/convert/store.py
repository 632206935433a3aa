# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Engines on disk: a lock admits one builder at a time, and replacement is atomic.

The lock is a `flock`, so the kernel releases it when its process ends for any reason. The next
builder that acquires the lock removes the temporary files of a killed builder.
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
    Hold the lock of an engine.

    :param engine_path: the engine file; its folder is created if it is missing.
    :raises BuildError: if another process is building this engine.
    """
    lock_path = engine_path.with_name(f'.{engine_path.name}.lock')
    descriptor = _take(lock_path, engine_path)
    try:
        _sweep(engine_path)
        yield
    finally:
        # Unlink the file while it is locked: a process that opened it finds it gone and retries.
        lock_path.unlink(missing_ok=True)
        os.close(descriptor)


def check_disk_space(engine_path: Path, needed_bytes: int) -> None:
    """
    Refuse a build if the disk may be too small for its engine.

    :param engine_path: path of the engine; its folder exists.
    :param needed_bytes: maximum disk space that it needs (`BuildPlan.disk_bytes`).
    :raises BuildError: with the free and the required space.
    """
    free = shutil.disk_usage(engine_path.parent).free
    if free < needed_bytes:
        raise BuildError(f'{engine_path.parent} has {free / 1e6:.0f} MB left, but the engine may '
                         f'take {needed_bytes / 1e6:.0f} MB: make room, or choose another '
                         'engine_file_path', code='engine_not_written')


def install(engine_path: Path, engine: bytes, manifest: EngineManifest) -> None:
    """
    Replace an engine and its manifest atomically.

    :param engine_path: path of the engine; the caller holds its lock.
    :param engine: the engine's bytes.
    :param manifest: the engine's manifest.
    :raises BuildError: if they cannot be written; the old engine stays.
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
            pass  # report the first error
        raise BuildError(f'{engine_path} cannot be written: {error.strerror}; '
                         'the engine that was there is untouched',
                         code='engine_not_written') from error


def _take(lock_path: Path, engine_path: Path) -> int:
    while True:
        try:
            engine_path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(lock_path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise BuildError(f'{engine_path.parent} cannot be written: {error.strerror}; choose '
                             'another engine_file_path or fix its permissions',
                             code='engine_not_written') from error
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
            pass  # no engine belongs to this manifest
        following.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
