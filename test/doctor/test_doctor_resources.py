# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks of transport, shared memory and disk, and imports that hang."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
import shutil

import pytest
from support.machines import by_name, machine, write

from edge_trt_ros.doctor.checks import folders, transport
from edge_trt_ros.doctor.imports import import_all
from edge_trt_ros.ros.node.transport import profile_path

Usage = namedtuple('Usage', 'total used free')


@pytest.mark.parametrize('environ, status, words', [
    ({}, 'optional', 'camera driver'),
    ({'FASTRTPS_DEFAULT_PROFILES_FILE': str(profile_path())}, 'ok', 'segment of 64 MiB'),
    ({'FASTRTPS_DEFAULT_PROFILES_FILE': '/none.xml'}, 'warning', 'cannot be read'),
    ({'FASTDDS_BUILTIN_TRANSPORTS': 'SHM'}, 'warning', 'are lost'),
    ({'FASTDDS_BUILTIN_TRANSPORTS': 'LARGE_DATA?max_msg_size=4MB'}, 'ok', 'LARGE_DATA'),
    ({'RMW_IMPLEMENTATION': 'rmw_cyclonedds_cpp'}, 'warning', 'receive buffer has 208 KiB'),
    ({'RMW_IMPLEMENTATION': 'rmw_zenoh_cpp'}, 'ok', 'not checked')])
def test_transport(environ: dict[str, str], status: str, words: str, tmp_path: Path) -> None:
    write(tmp_path, {'proc/sys/net/core/rmem_max': '212992\n'})
    found = by_name(transport.transport(machine(tmp_path, environ=environ)))['transport']
    assert found.status == status and words in found.text


def test_profile_with_a_small_segment(tmp_path: Path) -> None:
    write(tmp_path, {'own.xml': '<profiles><segment_size> 1048576 </segment_size></profiles>'})
    environ = {'FASTDDS_DEFAULT_PROFILES_FILE': str(tmp_path / 'own.xml')}
    found = by_name(transport.transport(machine(tmp_path, environ=environ)))['transport']
    assert 'segment of 1024 KiB, but an image of 1280x720 has 2700 KiB' in found.text


@pytest.mark.parametrize('total, free, fix', [
    (64 << 20, 60 << 20, 'sudo mount -o remount,size=1G /dev/shm'),
    (1 << 30, 1 << 20, 'fastdds shm clean')])
def test_small_shared_memory(total: int, free: int, fix: str, tmp_path: Path,
                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(total, total - free, free))
    assert by_name(transport.shared_memory(machine(tmp_path)))['shared memory'].fix == fix


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, 'disk_usage', lambda _: Usage(1 << 40, 1 << 40, 1 << 29))
    found = list(folders.disk(machine(tmp_path)))
    assert found[0].status == 'warning' and 'has 0.5 GB left' in found[0].text


def test_import_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'slow_library.py').write_text('import time\ntime.sleep(60)\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    found = import_all([['json', 'slow_library', 'csv']], timeout_s=2.0)
    assert found['json'].works and found['csv'].works
    assert found['slow_library'].error == 'the import did not end in 2 s'
