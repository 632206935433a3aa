# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Archives of bags: what is found, done on all cores, resumed and reported."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
import os
from pathlib import Path
import shutil
from typing import Any

import pytest
from rosbags.rosbag2 import Reader
from sensor_msgs.msg import Image
from support.bags import contents, detect_bags, read, record, record_archive, TASK

from edge_trt_ros.errors import BagError
from edge_trt_ros.ros.bags.archive import find_bags
from edge_trt_ros.ros.bags.processes import Results, run_in_processes, UnitProgress
from edge_trt_ros.ros.bags.report import DONE, FAILED, SKIPPED
from edge_trt_ros.ros.bags.unit import Unit

# A bag of six images is done in three slices of two.
SLICE_BYTES = 100_000
NAMES = ['day/run_1', 'run_0', 'run_2']


def nothing_to_do(units: Iterator[Unit], progress: UnitProgress) -> Results:
    """Run units, of which there must be none."""
    assert list(units) == []
    yield from ()


def test_bags_are_found_in_folders_and_globs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                             ) -> None:
    archive = record_archive(tmp_path / 'archive')
    (archive / 'notes.txt').write_text('no bag')
    (archive / '.hidden').mkdir()
    record(archive / '.hidden/run_9', images=1)
    single = next((archive / 'run_0').glob('*.mcap'))
    shutil.copy(single, archive / 'single.mcap')
    monkeypatch.chdir(tmp_path)

    def names(*sources: str) -> list[str]:
        return [str(bag.name) for bag in find_bags(sources, Path('archive/out'))]
    assert names('archive') == [*NAMES, 'single']
    record(archive / 'out/run_0', images=1)  # a result of an earlier run
    assert names('archive') == names('archive/', 'archive/day/..') == [*NAMES, 'single']
    assert names('archive/run_*') == ['run_0', 'run_2']
    assert names('archive/**/run_1') == ['day/run_1']
    assert names('archive/*') == [*NAMES, 'single']
    assert names('archive/run_2', 'archive/day') == ['run_1', 'run_2']
    shutil.copytree(archive / 'run_0', archive / 'single')
    for sources, code in ((('archive/none',), 'bag_missing'), (('archive/x*',), 'bag_missing'),
                          (('archive/notes.txt',), 'bag_missing'),
                          (('archive',), 'bag_names_collide')):
        with pytest.raises(BagError) as caught:
            names(*sources)
        assert caught.value.code == code and len(str(caught.value).splitlines()) == 1


def test_any_number_of_processes_writes_the_same_files(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive')
    alone = detect_bags(engine, archive, tmp_path / 'alone', slice_bytes=SLICE_BYTES)
    steps: list[Any] = []
    together = detect_bags(engine, archive, tmp_path / 'together', slice_bytes=SLICE_BYTES,
                           runner=partial(run_in_processes, count=2),
                           progress=lambda *step: steps.append(step))
    assert [row.bag for row in alone.bags] == NAMES and not alone.of(FAILED)
    assert contents(tmp_path / 'alone') == contents(tmp_path / 'together')
    assert steps[-1] == (1.0, 3, 3) and together.counts == alone.counts
    assert alone.counts.images == 18 and alone.counts.detections > 0
    # The slices are the files of a split bag, without gaps and repetitions.
    (whole,) = detect_bags(engine, archive / 'run_0', tmp_path / 'whole').bags
    sliced = read(tmp_path / 'alone/run_0')
    assert sorted(path.name for path in (tmp_path / 'alone/run_0').iterdir()) == [
        'metadata.yaml', 'run_0_0.mcap', 'run_0_1.mcap', 'run_0_2.mcap']
    with Reader(tmp_path / 'alone/run_0') as reader:
        assert reader.message_count == len(sliced)
        assert reader.topics['/detections'].msgcount == 6

    def without_labels(path: Path) -> str:
        return repr([message for message in read(path) if message[0] != '/label_info'])
    assert without_labels(tmp_path / 'alone/run_0') == without_labels(whole.path)


def test_what_is_done_is_skipped_by_its_content(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=2)
    first = detect_bags(engine, archive, tmp_path / 'out')
    before = contents(tmp_path / 'out')
    for path in archive.rglob('*'):
        os.utime(path, (1, 1))  # copied, so that times differ and the contents do not
    again = detect_bags(engine, archive, tmp_path / 'out', runner=nothing_to_do)
    assert [row.state for row in again.bags] == [SKIPPED, SKIPPED]
    assert again.counts == first.counts and contents(tmp_path / 'out') == before
    # A new bag is done, and a changed one is not taken for the old one.
    record(archive / 'run_5', first=50)
    (data,) = (archive / 'run_0').glob('*.mcap')
    content = bytearray(data.read_bytes())
    content[len(content) // 2] ^= 1
    data.write_bytes(content)
    found = {row.bag: row for row in detect_bags(engine, archive, tmp_path / 'out').bags}
    assert {name: row.state for name, row in found.items()} == {
        'day/run_1': SKIPPED, 'run_0': FAILED, 'run_5': DONE}
    assert found['run_0'].code == 'bag_exists'
    assert contents(tmp_path / 'out/run_0') == {
        name.removeprefix('run_0/'): value for name, value in before.items()
        if name.startswith('run_0/')}


def test_a_failing_bag_costs_itself_alone(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive')
    (data,) = (archive / 'run_2').glob('*.mcap')
    data.write_bytes(data.read_bytes()[:-1000])
    record(archive / 'silent', images=0)
    record(archive / 'two', more={'/rear/image': [Image(height=1)]})
    broken = record(archive / 'broken', images=12)
    (data,) = broken.glob('*.mcap')
    content = data.read_bytes()
    data.write_bytes(content[:200_000] + bytes(300_000) + content[500_000:])
    report = detect_bags(engine, archive, tmp_path / 'out', slice_bytes=SLICE_BYTES,
                         runner=partial(run_in_processes, count=2))
    assert {row.bag: row.code for row in report.of(FAILED)} == {
        'broken': 'bag_damaged', 'run_2': 'bag_damaged', 'silent': 'bag_without_images',
        'two': 'bag_topic_ambiguous'}
    assert [row.bag for row in report.of(DONE)] == ['day/run_1', 'run_0']
    assert sorted(path.name for path in (tmp_path / 'out').iterdir()) == ['day', 'run_0']
    label, number = next(iter(report.counts.by_class.items()))
    assert 'bags: 2 written, 4 failed' in report.text()
    assert f'\n  {label}: {number}' in report.text()
    assert len(report.warnings()) == 4 and 'give --topic [bag_topic_ambiguous]' in ' '.join(
        report.warnings())


def test_two_runs_do_not_write_the_same_bag(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=1)

    def run_twice(units: Iterator[Unit], progress: UnitProgress) -> Results:
        next(units)
        other = detect_bags(engine, archive, tmp_path / 'out')
        assert [row.code for row in other.bags] == ['bag_in_use']
        yield from ()
    detect_bags(engine, archive, tmp_path / 'out', runner=run_twice)
    report = detect_bags(engine, archive, tmp_path / 'out', TASK)
    assert [row.state for row in report.bags] == [DONE]
