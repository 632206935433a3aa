# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Files are replaced atomically, and only regular files are read."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread
from time import monotonic

import pytest

from edge_trt_ros.files import read_file, sha256_hex, write_file


def test_write_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / 'sub' / 'a.bin'
    write_file(path, b'first')
    write_file(path, b'second')
    assert read_file(path) == b'second' and [
        file.name for file in path.parent.iterdir()] == ['a.bin']


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                         ) -> None:
    path = tmp_path / 'a.bin'
    write_file(path, b'old')

    def full(descriptor: int) -> None:
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(OSError, match='No space left'):
        write_file(path, b'new')
    assert path.read_bytes() == b'old' and len(list(tmp_path.iterdir())) == 1


def test_readers_never_read_a_partial_file(tmp_path: Path) -> None:
    path, sizes = tmp_path / 'a.bin', set()
    write_file(path, b'x' * 10)
    writer = Thread(target=lambda: [write_file(path, b'x' * 10 ** (index % 6))
                                    for index in range(60)])
    writer.start()
    while writer.is_alive():
        sizes.add(len(read_file(path)))
    writer.join()
    assert sizes <= {10 ** power for power in range(6)}


@pytest.mark.parametrize('kind, message', [
    ('fifo', 'it is a FIFO, expected a regular file'), ('folder', 'it is a folder'),
    ('device', 'it is a character device'), ('missing', 'No such file')])
def test_other_than_regular_files_are_rejected_without_blocking(
        tmp_path: Path, kind: str, message: str) -> None:
    path = {'folder': tmp_path, 'device': Path('/dev/zero')}.get(kind, tmp_path / 'a')
    if kind == 'fifo':
        os.mkfifo(path)
    started = monotonic()
    with pytest.raises(OSError, match=message):
        read_file(path)
    assert monotonic() - started < 1.0


def test_size_limit_is_checked_before_reading(tmp_path: Path) -> None:
    path = tmp_path / 'a'
    with open(path, 'wb') as file:
        file.truncate(1 << 40)  # a sparse file, which uses no disk space
    with pytest.raises(OSError, match='it has 1099511627776 bytes, expected at most 10'):
        read_file(path, 10)


def test_hash_is_sha256() -> None:
    assert sha256_hex(b'abc').startswith('ba7816bf')
