# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Archives on a Dask cluster, with a real scheduler and workers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
import sys
from typing import Any

import pytest
from support.bags import contents, detect_bags, record, record_archive
from support.triton import free_port

from edge_trt_ros.cli import detect_bag
from edge_trt_ros.errors import BagError
from edge_trt_ros.ros.bags.cluster import run_on_cluster
from edge_trt_ros.ros.bags.report import FAILED

distributed: Any = pytest.importorskip('distributed', reason='clusters need distributed')


def test_a_cluster_writes_the_same_files(tmp_path: Path, engine: Path) -> None:
    archive = record_archive(tmp_path / 'archive', bags=3)
    (data,) = record(archive / 'bad').glob('*.mcap')
    data.write_bytes(b'')
    steps: list[Any] = []
    with distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        report = detect_bags(engine, archive, tmp_path / 'cluster', slice_bytes=100_000,
                             runner=partial(run_on_cluster, address=cluster.scheduler_address),
                             progress=lambda *step: steps.append(step))
    assert [row.code for row in report.of(FAILED)] == ['bag_damaged'] and len(report.bags) == 4
    assert steps[-1] == (1.0, 4, 4)
    alone = detect_bags(engine, archive, tmp_path / 'alone', slice_bytes=100_000)
    assert alone.counts == report.counts
    assert contents(tmp_path / 'cluster') == contents(tmp_path / 'alone')


def test_the_command_with_relative_paths(tmp_path: Path, engine: Path,
                                         monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    """The workers have another working directory than the command."""
    record(tmp_path / 'archive/run', images=2)
    with distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, 'argv', [
            'detect_bag', str(engine), 'archive', 'out', '--scheduler',
            cluster.scheduler_address])
        with pytest.raises(SystemExit) as caught:
            detect_bag.main()
    assert caught.value.code == 0, capsys.readouterr().err
    assert 'bags: 1 written\nimages: 2\n' in capsys.readouterr().out
    assert (tmp_path / 'out/run/metadata.yaml').exists()


def test_a_cluster_that_is_not_there(tmp_path: Path, engine: Path,
                                     monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('edge_trt_ros.ros.bags.cluster._CONNECT_S', 0.5)
    record(tmp_path / 'in')
    for address in (f'tcp://127.0.0.1:{free_port()}', 'nonsense'):
        with pytest.raises(BagError, match='no Dask scheduler') as caught:
            detect_bags(engine, tmp_path / 'in', tmp_path / 'out',
                        runner=partial(run_on_cluster, address=address))
        assert caught.value.code == 'cluster_unreachable'
        assert len(str(caught.value).splitlines()) == 1
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster, \
            pytest.raises(BagError, match='has no workers'):
        detect_bags(engine, tmp_path / 'in', tmp_path / 'out',
                    runner=partial(run_on_cluster, address=cluster.scheduler_address))
    assert [path.name for path in tmp_path.iterdir()] == ['in']
