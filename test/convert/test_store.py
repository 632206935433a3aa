# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines on disk: locking, atomic replacement, full and read-only disks."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path
import resource

import numpy as np
import pytest
from support.building import build_in_memory, leftovers
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.store import install, locked
from edge_trt_ros.engine_file import next_manifest_path, read_engine
from edge_trt_ros.errors import BuildError
from edge_trt_ros.manifest import manifest_path

OPTIONS = BuildOptions()


def test_second_builder_of_an_engine_is_refused(tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    with locked(engine):
        with pytest.raises(BuildError, match=rf'built by process {os.getpid()} for \d+ s'):
            with locked(engine):
                pass
    with locked(engine):
        pass
    assert leftovers(tmp_path) == []


def test_read_only_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')

    def read_only(*arguments: object) -> int:
        raise OSError(30, 'Read-only file system')
    monkeypatch.setattr(os, 'open', read_only)
    with pytest.raises(BuildError, match='Read-only file system') as caught:
        build_engine(path, tmp_path / 'm.engine', OPTIONS)
    assert caught.value.code == 'engine_not_written'


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='cannot be written'):
        build_engine(path, path / 'm.engine', OPTIONS)


def test_full_disk_keeps_the_old_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, OPTIONS)
    old = read_engine(engine)

    def full(descriptor: int) -> None:
        raise OSError(28, 'No space left on device')
    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(BuildError, match='No space left'):
        build_engine(path, engine, BuildOptions(max_candidates=5))
    monkeypatch.undo()
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_a_disk_that_fills_while_an_engine_is_written(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: both end in an OSError of a write."""
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, OPTIONS)
    old = read_engine(engine)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The manifest or the engine is cut in the middle.
    for size in (500, len(old[0]) // 2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        try:
            with pytest.raises(BuildError, match='cannot be written') as caught:
                build_engine(path, engine, BuildOptions(max_candidates=5))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert caught.value.code == 'engine_not_written' and '\n' not in str(caught.value)
        assert read_engine(engine) == old and leftovers(tmp_path) == []
    build_engine(path, engine, BuildOptions(max_candidates=5))
    assert read_engine(engine)[1].options['max_candidates'] == 5


def test_interrupted_installation_is_atomic(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, OPTIONS)
    old = read_engine(engine)
    built = build_in_memory(path, BuildOptions(max_candidates=7))
    new = (built.engine, built.manifest)
    replace, is_new = os.replace, []

    class Stopped(BaseException):
        pass
    for stop_at in range(4):
        manifest_path(engine).write_text(old[1].to_json())
        engine.write_bytes(old[0])
        calls = iter(range(10))

        def stopping(source: Path, target: Path) -> None:
            if next(calls) == stop_at:
                raise Stopped
            replace(source, target)
        monkeypatch.setattr(os, 'replace', stopping)
        try:
            install(engine, *new)
        except Stopped:
            pass
        monkeypatch.setattr(os, 'replace', replace)
        assert read_engine(engine) in (old, new)
        with locked(engine):  # the next builder removes temporary files
            assert not next_manifest_path(engine).exists()
        assert read_engine(engine) in (old, new) and leftovers(tmp_path) == []
        is_new.append(read_engine(engine) == new)
    assert is_new == [False, False, True, True]


def test_killed_builder_leaves_a_valid_engine(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    option_sets = [BuildOptions(max_candidates=count) for count in (5, 6)]
    build_engine(path, engine, option_sets[0])
    random, ended = np.random.default_rng(0), 0
    for round_number in range(20):
        child = multiprocessing.get_context('fork').Process(
            target=build_engine, args=(path, engine, option_sets[round_number % 2]),
            kwargs={'force': True})
        child.start()
        child.join(float(random.uniform(0.0, 0.25)))
        ended += not child.is_alive()
        child.kill()
        child.join()
        data, manifest = read_engine(engine)
        kept = manifest.options['max_candidates']
        assert kept in (5, 6)
        assert data == build_in_memory(path, option_sets[kept - 5]).engine
    assert ended < 20
    for options in option_sets:
        build_engine(path, engine, options)
        assert read_engine(engine)[1].options['max_candidates'] == options.max_candidates
    assert leftovers(tmp_path) == []
