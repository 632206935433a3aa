# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The process is set up for images: profile of the installed Fast DDS, memory."""

from __future__ import annotations

import os
from pathlib import Path
import subprocess
import sys

import pytest

from edge_trt_ros.ros.node.transport import (
    profile_path, PROFILE_VARIABLES, transport_environment)

NODE = """
import rclpy
from edge_trt_ros.ros.node.transport import prepare_transport
prepare_transport()
rclpy.init()
rclpy.create_node('transport_test').destroy_node()
rclpy.shutdown()
"""
# 8 threads at once hold 10 MB each, as the threads of an engine do, and end.
THREADS = """
import ctypes
from threading import Barrier, Thread
import psutil
from edge_trt_ros.ros.node.transport import prepare_transport, return_free_blocks

together = Barrier(8)

def work():
    together.wait(30)
    blocks = [bytearray(100_000) for _ in range(100)]
    together.wait(30)

prepare_transport()
before = psutil.Process().memory_info().rss
threads = [Thread(target=work) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
return_free_blocks()
print((psutil.Process().memory_info().rss - before) / 1e6)
"""


@pytest.fixture(autouse=True)
def no_choice_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS', 'MALLOC_ARENA_MAX'):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize('packages, expected', [
    (['fastrtps'], PROFILE_VARIABLES[:1]), (['fastdds'], PROFILE_VARIABLES[1:]),
    ([], PROFILE_VARIABLES), (['fastrtps', 'fastdds'], PROFILE_VARIABLES)])
def test_only_the_variable_of_the_installed_version_is_set(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: list[str],
        expected: tuple[str, ...]) -> None:
    for package in packages:
        (tmp_path / 'ros' / 'share' / package).mkdir(parents=True)
    monkeypatch.setenv('AMENT_PREFIX_PATH', f'{tmp_path}/workspace:{tmp_path}/ros')
    assert transport_environment() == dict.fromkeys(expected, str(profile_path()))


def test_without_ros_both_variables_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    assert tuple(transport_environment()) == PROFILE_VARIABLES


@pytest.mark.parametrize('name', [*PROFILE_VARIABLES, 'FASTDDS_BUILTIN_TRANSPORTS'])
def test_the_choice_of_the_user_stays(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, 'mine')
    assert transport_environment() == {}


def test_a_node_starts_without_warnings_of_the_transport() -> None:
    done = subprocess.run([sys.executable, '-c', NODE], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''


def kept_mb(**variables: str) -> float:
    """Return the memory that a process keeps after its threads have freed all of theirs."""
    done = subprocess.run([sys.executable, '-c', THREADS], capture_output=True, text=True,
                          timeout=60, env=dict(os.environ, **variables))
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_memory_that_threads_have_freed_is_returned() -> None:
    assert kept_mb() < 10


def test_the_number_of_arenas_stays_the_choice_of_the_user() -> None:
    assert kept_mb(MALLOC_ARENA_MAX='8') > 20
