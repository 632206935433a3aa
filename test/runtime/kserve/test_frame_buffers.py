# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Shared memory of the frames: a segment that exists already is never touched."""

from __future__ import annotations

from collections.abc import Iterator
import os
from pathlib import Path
import secrets

import pytest

from edge_trt_ros.runtime.kserve.buffers import FrameBuffers
from edge_trt_ros.tensor_spec import TensorSpec

SPECS = (TensorSpec('pixels', 'uint8', (1, 4, 6, 3)),)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a segment that has the name of the next one."""
    monkeypatch.setattr(secrets, 'token_hex', lambda count: 'taken')
    path = Path(f'/dev/shm/edge_trt_ros_{os.getpid()}_taken')
    path.write_bytes(b'another program')
    yield path
    path.unlink(missing_ok=True)


@pytest.mark.parametrize('of_another_user', [False, True])
def test_a_segment_that_exists_already(taken: Path, of_another_user: bool) -> None:
    if of_another_user:
        if os.getuid():
            pytest.skip('only root can give a file to another user')
        os.chown(taken, 65534, 65534)
        taken.chmod(0o600)
    buffers = FrameBuffers(SPECS, 2)
    assert not buffers.is_shared and buffers.why_copied == 'no shared memory here: File exists'
    buffers.tensors[1]['pixels'][:] = 7  # the frames travel in the requests
    buffers.close()
    assert taken.read_bytes() == b'another program'
    assert taken.stat().st_uid == (65534 if of_another_user else os.getuid())


def test_a_segment_is_private_and_goes_with_the_buffers() -> None:
    buffers = FrameBuffers(SPECS, 2)
    path = Path('/dev/shm') / buffers.name
    assert buffers.is_shared and path.stat().st_mode & 0o077 == 0
    buffers.close()
    buffers.close()
    assert not path.exists()
