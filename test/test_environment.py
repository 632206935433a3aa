# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""environment/install and environment/activate choose the environment of a ROS 2 release."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
import subprocess

import pytest

ENVIRONMENT = Path(__file__).resolve().parent.parent / 'environment'

pytestmark = pytest.mark.skipif(
    not ENVIRONMENT.is_dir(), reason='not a checkout: no environment folder')


def run(command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(['bash', '-c', command], cwd=ENVIRONMENT.parent, capture_output=True,
                          text=True, timeout=60, env={**os.environ, **variables})


def test_install_rejects_an_unknown_release() -> None:
    done = run('environment/install', ROS='foxy')
    assert done.returncode == 1
    assert 'ROS=foxy is unknown; there are wheels of jazzy (the default) and kilted' in done.stderr


def test_install_says_what_to_do_on_a_jetson(tmp_path: Path) -> None:
    (tmp_path / 'uname').write_text('#!/bin/sh\necho aarch64\n')
    (tmp_path / 'uname').chmod(0o755)
    done = run('environment/install', ROS='kilted', ROS_DISTRO='',
               PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert 'no wheels for aarch64. Install ROS 2 Kilted with apt on Ubuntu 24.04' in done.stderr
    assert '. /opt/ros/kilted/setup.bash' in done.stderr


def test_install_rejects_another_release_than_the_sourced_one() -> None:
    # A stand-in for a sourced ROS 2 whose rclpy python3 imports from outside the environment.
    done = run('d=$(mktemp -d); mkdir $d/rclpy; : >$d/rclpy/__init__.py; '
               'PYTHONPATH=$d environment/install; code=$?; rm -r "$d"; exit $code',
               ROS='kilted', ROS_DISTRO='jazzy')
    assert done.returncode == 1
    assert 'ROS=kilted, but ROS 2 jazzy is sourced' in done.stderr


def test_activate_names_the_command_for_a_missing_environment() -> None:
    done = run('. environment/activate', ROS='foxy')
    assert done.returncode == 1
    assert 'no finished .venv-foxy yet: run ROS=foxy environment/install first' in done.stderr


@pytest.mark.parametrize('ros, folder', [
    ('', '.venv'), ('jazzy', '.venv'), ('kilted', '.venv-kilted')])
def test_activate_chooses_the_environment(tmp_path: Path, ros: str, folder: str) -> None:
    for name in ('.venv', '.venv-kilted'):
        (tmp_path / name / 'state').mkdir(parents=True)
        (tmp_path / name / 'state' / 'done').write_text('key')
        (tmp_path / name / 'state' / 'mode').write_text('wheels')
    (tmp_path / 'environment').mkdir()
    shutil.copy(ENVIRONMENT / 'activate', tmp_path / 'environment')
    done = run(f'. {tmp_path}/environment/activate && echo $VIRTUAL_ENV', ROS=ros)
    assert done.stdout.strip() == str(tmp_path / folder), done.stderr
