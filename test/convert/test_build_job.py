# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Builds in a child process: successful, failed, canceled, killed."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
import signal
import time

import pytest
from support.building import leftovers, wait
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.build_job import BuildJob
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildCanceledError, BuildError

OPTIONS = BuildOptions()


def test_build_in_a_child(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    outcome = wait(BuildJob(path, engine, OPTIONS, force=False))
    assert outcome.manifest == read_engine(engine)[1]
    assert 'built in' in outcome.sentence() and 'fp32' in outcome.sentence()
    path.write_bytes(b'garbage')
    with pytest.raises(BuildError, match='not an ONNX file'):
        wait(BuildJob(path, engine, OPTIONS, force=True))


def test_build_above_the_memory_limit_fails(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    wait(BuildJob(path, engine, OPTIONS, force=False, memory_limit_mb=8192))
    old = read_engine(engine)
    with pytest.raises(BuildError, match='within the 1 MiB of memory_limit_mb'):
        wait(BuildJob(path, engine, OPTIONS, force=True, memory_limit_mb=1))
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_hanging_build_is_killed_after_cancel(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    job = BuildJob(path, engine, OPTIONS, force=True)
    for child in multiprocessing.active_children():
        # A stopped process reacts only to SIGKILL, like a process that hangs in a driver call.
        os.kill(child.pid or 0, signal.SIGSTOP)
    canceled_at = time.monotonic()
    job.cancel()
    with pytest.raises(BuildCanceledError):
        wait(job)
    assert time.monotonic() - canceled_at < 2.0 and leftovers(tmp_path) == []


@pytest.mark.parametrize('how', ['cancel', 'kill'])
def test_stopped_build_keeps_the_old_engine(tmp_path: Path, how: str) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, OPTIONS)
    old = read_engine(engine)
    job = BuildJob(path, engine, OPTIONS, force=True)
    deadline = time.monotonic() + 30
    while job.phase == 'starting' and time.monotonic() < deadline:
        assert job.poll() is None
    if how == 'cancel':
        job.cancel()
    else:
        for child in multiprocessing.active_children():
            child.kill()
    with pytest.raises(BuildCanceledError if how == 'cancel' else BuildError,
                       match='canceled' if how == 'cancel' else 'SIGKILL'):
        wait(job)
    assert read_engine(engine) == old and leftovers(tmp_path) == []
    assert wait(BuildJob(path, engine, OPTIONS, force=True)).reason == 'asked for'
