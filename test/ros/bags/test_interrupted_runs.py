# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs that are killed, lose a process, or fill the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
import multiprocessing
import os
from pathlib import Path
import random
import resource
import signal
from time import monotonic, sleep

import psutil
import pytest
from support.bags import contents, detect_bags, FORMATS, record, record_archive

from edge_trt_ros.ros.bags.processes import Results, run_here, run_in_processes, UnitProgress
from edge_trt_ros.ros.bags.report import DONE, FAILED
from edge_trt_ros.ros.bags.unit import Unit

SLICE_BYTES = 100_000
# A server that has imported everything once, and forks the processes to kill.
CONTEXT = multiprocessing.get_context('forkserver')
CONTEXT.set_forkserver_preload(['support.bags', 'edge_trt_ros.runtime.onnxruntime_cpu'])
# `make test-bags` sets a larger number.
MOMENTS = int(os.environ.get('EDGE_TRT_ROS_KILLS', 4))


def run_archive(engine: Path, archive: Path, target: Path) -> None:
    detect_bags(engine, archive, target, slice_bytes=SLICE_BYTES)


def test_a_killed_run_continues_and_gives_the_same_files(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=2)
    run_archive(engine, archive, tmp_path / 'undisturbed')
    expected = contents(tmp_path / 'undisturbed')
    chance = random.Random(11)
    lost = 0
    for moment in range(MOMENTS):
        target = tmp_path / f'out_{moment}'
        started = CONTEXT.Process(target=run_archive, args=(engine, archive, target))
        started.start()
        # The first run is killed in the middle of a bag, the others at any time.
        awaited = '**/.*.unfinished/**/*' if moment == 0 else '*'
        while not any(target.glob(awaited)) and started.is_alive():
            sleep(0.001)
        if moment:
            sleep(chance.uniform(0.0, 0.25))
        os.kill(started.pid or 0, signal.SIGKILL)
        started.join()
        left = {name for name in contents(target) if '.unfinished/' in name}
        report = detect_bags(engine, archive, target, slice_bytes=SLICE_BYTES)
        assert not report.of(FAILED), report.warnings()
        assert contents(target) == expected, f'moment {moment}, left {left}'
        lost += bool(left)
    assert lost > 0  # at least one was killed in the middle of a bag


def test_a_run_on_processes_is_killed_with_them(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=1, images=60)
    target = tmp_path / 'out'
    started = CONTEXT.Process(target=detect_bags, args=(engine, archive, target), kwargs={
        'runner': partial(run_in_processes, count=2), 'slice_bytes': SLICE_BYTES})
    started.start()

    deadline = monotonic() + 60
    # Two processes write two slices at once: of three, one is complete.
    while len(list(target.glob('**/run_?_?/metadata.yaml'))) < 3 and monotonic() < deadline:
        sleep(0.01)
    workers = psutil.Process(started.pid).children()
    os.kill(started.pid or 0, signal.SIGKILL)
    started.join()
    _, alive = psutil.wait_procs(workers, 5)
    assert workers and not alive
    used: list[str] = []

    def watched(units: Iterator[Unit], progress: UnitProgress) -> Results:
        for unit, outcome in run_here(units, progress):
            used.append(unit.name)
            yield unit, outcome
    report = detect_bags(engine, archive, target, runner=watched, slice_bytes=SLICE_BYTES)
    slices = sum(len(list(row.path.iterdir())) - 1 for row in report.bags)
    assert len(report.of(DONE)) == 1 and 0 < len(used) < slices


def test_a_process_that_ends_costs_its_bag_alone(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=3, images=40)
    killed: list[int] = []

    def progress(fraction: float, done: int, total: int) -> None:
        if not killed:
            child = next(child for child in psutil.Process().children()
                         if 'spawn_main' in ' '.join(child.cmdline()))
            killed.append(child.pid)
            child.kill()
    report = detect_bags(engine, archive, tmp_path / 'out', progress=progress,
                         runner=partial(run_in_processes, count=1))
    (row,) = report.of(FAILED)
    assert row.code == 'bag_process_lost' and 'SIGKILL (out of memory?)' in row.reason
    assert len(report.of(DONE)) == 2 and not (tmp_path / 'out' / row.bag).exists()
    assert not [name for name in contents(tmp_path / 'out') if '.unfinished' in name]


@pytest.mark.parametrize('storage', FORMATS)
def test_a_full_disk_costs_the_bags_that_do_not_fit(tmp_path: Path, engine: Path, storage: str
                                                    ) -> None:
    """A limit on the size of files stands for the disk: both end in an OSError of a write."""
    record(tmp_path / 'archive/large', storage, images=40)
    record(tmp_path / 'archive/small', storage, images=2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        report = detect_bags(engine, tmp_path / 'archive', tmp_path / 'out')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (row,) = report.of(FAILED)
    assert (row.bag, row.code) == ('large', 'bag_not_written')
    assert 'make room' in row.reason and len(row.reason.splitlines()) == 1
    assert [path.name for path in (tmp_path / 'out').iterdir()] == ['small']
    # When there is room again, the run continues.
    report = detect_bags(engine, tmp_path / 'archive', tmp_path / 'out')
    assert [row.bag for row in report.of(DONE)] == ['large']


def test_a_folder_that_cannot_be_written(tmp_path: Path, engine: Path) -> None:
    record(tmp_path / 'in')
    (tmp_path / 'file').write_text('a file')
    with suppress(FileExistsError):
        report = detect_bags(engine, tmp_path / 'in', tmp_path / 'file/out')
        assert [row.code for row in report.bags] == ['bag_not_written']
