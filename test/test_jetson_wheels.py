# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What pip finds for a Jetson (`make jetson-wheels`): Ubuntu 24.04, aarch64, Python 3.12."""

from __future__ import annotations

import json
import os
from pathlib import Path
import re
import subprocess
import sys

import pytest

ENVIRONMENT = Path(__file__).resolve().parent.parent / 'environment'
LISTS = ('requirements.txt', 'requirements-test.txt', 'requirements-train.txt')
# Of the list of ROS 2, what apt's packages may lack; and what a GPU needs.
ALSO = ('numpy==2.4.6', 'PyYAML==6.0.3', 'cuda-bindings==12.*', 'cuda-bindings==13.*',
        'nvidia-cuda-nvrtc==13.*', 'nvidia-cuda-nvrtc-cu12')
# Packages without a wheel for aarch64, and their source, which pip builds.
SOURCE_ONLY = {'flake8-quotes==3.4.0': 'flake8-quotes-3.4.0.tar.gz',
               'pycuda==2026.1': 'pycuda-2026.1.tar.gz'}
PLATFORMS = [f'manylinux_2_{minor}_aarch64' for minor in range(39, 16, -1)] + [
    'manylinux2014_aarch64', 'linux_aarch64']


def pinned() -> list[str]:
    """Return the requirements of the lists that are for every processor."""
    lines = [line.partition('#')[0].strip() for name in LISTS
             for line in (ENVIRONMENT / name).read_text(encoding='utf-8').splitlines()]
    return [line for line in lines if line and ';' not in line]


def resolved(requirements: list[str], folder: Path, *options: str
             ) -> tuple[dict[str, str], str]:
    """Return what pip would install, file names by package, and its complaint."""
    report = folder / 'report.json'
    done = subprocess.run(
        [sys.executable, '-m', 'pip', '--disable-pip-version-check', 'install', '--dry-run',
         '--quiet', '--ignore-installed', '--no-deps', '--target', folder / 'target',
         '--report', report, *options, *requirements], capture_output=True, text=True)
    if done.returncode:
        return {}, done.stderr
    found = json.loads(report.read_text(encoding='utf-8'))['install']
    return {item['metadata']['name']: item['download_info']['url'].rpartition('/')[2]
            for item in found}, ''


def for_jetson() -> list[str]:
    """Return the options of pip for wheels of a Jetson."""
    return ['--only-binary=:all:', '--python-version', '3.12', '--implementation', 'cp',
            *(option for platform in PLATFORMS for option in ('--platform', platform))]


def test_lists_are_read() -> None:
    assert len(pinned()) > 40 and 'onnxruntime==1.32.0' in pinned()
    assert all(re.fullmatch(r'[\w.-]+==[\w.]+', line) for line in pinned())


@pytest.mark.skipif(not os.environ.get('JETSON_WHEELS'), reason='make jetson-wheels runs it: it '
                    'asks the package index')
class TestWheels:
    """What the package index has for a Jetson."""

    def test_every_library_has_a_wheel(self, tmp_path: Path) -> None:
        wanted = [line for line in pinned() if line not in SOURCE_ONLY]
        found, complaint = resolved(wanted, tmp_path, *for_jetson())
        # If one is missing, pip does not say which others are.
        missing = [line for line in wanted if complaint and resolved(
            [line], tmp_path, *for_jetson())[1]]
        for line in ALSO:
            more, complaint = resolved([line], tmp_path, *for_jetson())
            found |= more
            missing += [line] if complaint else []
        assert missing == []
        assert all(name.endswith('.whl') and 'x86_64' not in name for name in found.values())
        print('\n'.join(sorted(found.values())))

    @pytest.mark.parametrize('requirement', sorted(SOURCE_ONLY))
    def test_source_only(self, requirement: str, tmp_path: Path) -> None:
        assert resolved([requirement], tmp_path, *for_jetson())[1]
        subprocess.run([sys.executable, '-m', 'pip', 'download', '--quiet', '--no-deps',
                        '--no-binary', ':all:', '--no-build-isolation', '-d',
                        tmp_path / 'sources', requirement], check=True)
        assert [path.name for path in (tmp_path / 'sources').iterdir()] == [
            SOURCE_ONLY[requirement]]
