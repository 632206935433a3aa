# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The load of several robots on a real server, and the simulation of many."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

import pytest
from support.models import dense_model, save
from support.triton import free_port, NEEDS_TRITON, running

from edge_trt_ros.benchmark.fleet_simulation import simulate_fleet
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine

pytest.importorskip('tritonclient.grpc', reason='served engines need tritonclient[grpc]')


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'measure_server', *arguments],
                          capture_output=True, text=True, timeout=100)


def test_a_robot_alone_waits_for_nobody() -> None:
    found = simulate_fleet(1, 30.0, 100.0, 1)
    assert (found.p50_ms, found.p99_ms) == pytest.approx((10.0, 10.0))
    assert found.busy == pytest.approx(0.3, abs=0.01) and found.dropped == 0


def test_many_robots_wait_longer_on_one_engine() -> None:
    """Random arrivals wait as long as the work again, and more, at a load of 80 %."""
    found = simulate_fleet(4000, 0.02, 100.0, 1, seconds=2000.0)
    assert found.busy == pytest.approx(0.8, abs=0.02)
    alone = simulate_fleet(1000, 30.0, 100.0, 400)
    assert alone.dropped == 0 and alone.busy == pytest.approx(0.75, abs=0.01)
    assert 10.0 <= found.p50_ms < 40.0 < found.p99_ms


def test_an_overload_drops_images_and_bounds_the_queue() -> None:
    found = simulate_fleet(20, 30.0, 100.0, 1)
    assert found.busy == pytest.approx(1.0, abs=0.02)
    assert found.dropped == pytest.approx(1 - 100 / 600, abs=0.02)
    # Two requests of each robot wait at most.
    assert found.p99_ms == pytest.approx(2 * 20 * 10.0, rel=0.05)


def test_a_server_that_is_not_there() -> None:
    done = run(f'grpc://127.0.0.1:{free_port()}', 'road')
    assert done.returncode == 1 and '[server_unreachable]' in done.stderr
    assert len(done.stderr.splitlines()) == 1 and done.stdout == ''


@NEEDS_TRITON
def test_a_real_server_under_load(tmp_path: Path) -> None:
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine', BuildOptions())
    write_served_model(tmp_path / 'r', 'road', *read_engine(tmp_path / 'm.engine'),
                       backend='python')
    with running(tmp_path / 'r', 'road') as server:
        done = run(server.url, 'road', '--robots', '1', '2', '--rate', '20', '--seconds', '1',
                   '--size', '160x90', '--simulate', '1000', '--engines', '1', '300')
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    measured = [line['measured'] for line in lines[:2]]
    assert [load['offered_hz'] for load in measured] == [20.0, 40.0]
    for load in measured:
        assert load['failed'] == 0 and 0 < load['p50_ms'] <= load['p99_ms']
        assert load['answered_hz'] + load['dropped'] == pytest.approx(load['offered_hz'], abs=0.1)
    one, many = (line['simulated'] for line in lines[2:])
    assert one['dropped'] > 0.9 and many['p99_ms'] <= one['p99_ms']
