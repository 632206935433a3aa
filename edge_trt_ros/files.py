# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Replaces files atomically, hashes bytes, and reads regular files only."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
import stat

_KINDS = ((stat.S_ISDIR, 'a folder'), (stat.S_ISFIFO, 'a FIFO'), (stat.S_ISSOCK, 'a socket'),
          (stat.S_ISCHR, 'a character device'), (stat.S_ISBLK, 'a block device'))


def write_file(path: Path, data: bytes) -> None:
    """
    Replace a file atomically and flush it to disk; create its folder if it is missing.

    :param path: the file.
    :param data: the new content.
    :raises OSError: if writing fails; the old file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = staged_path(path)
    try:
        with open(staged, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except OSError:
        staged.unlink(missing_ok=True)
        raise


def staged_path(path: Path) -> Path:
    """Return the hidden path to which this process writes a file before renaming it."""
    return path.with_name(f'.{path.name}.{os.getpid()}.tmp')


def read_file(path: Path, max_bytes: int = 0) -> bytes:
    """
    Read a regular file; reading a FIFO or a device could block or never end.

    :param path: the file; symbolic links are followed.
    :param max_bytes: maximum size; 0 sets no limit.
    :raises OSError: if the file cannot be read, is not a regular file, or is too large.
    """
    # Without O_NONBLOCK, opening a FIFO blocks until a process opens it for writing.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            kind = next((kind for is_kind, kind in _KINDS if is_kind(status.st_mode)), 'no file')
            code = errno.EISDIR if stat.S_ISDIR(status.st_mode) else errno.EINVAL
            raise OSError(code, f'it is {kind}, expected a regular file', str(path))
        if max_bytes and status.st_size > max_bytes:
            raise OSError(errno.EFBIG, f'it has {status.st_size} bytes, expected at most '
                          f'{max_bytes}', str(path))
        with open(descriptor, 'rb', closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
