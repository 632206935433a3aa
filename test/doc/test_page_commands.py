# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Commands in the documentation name programs, options, launch arguments and parameters."""

from __future__ import annotations

from functools import cache
from pathlib import Path
import re
import subprocess
import sys

import pytest
import yaml

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelFiles
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.space.parameters import Detections3DParameters
from edge_trt_ros.settings import settings_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / 'doc').rglob('*.md'))
PROGRAMS = {path.stem for path in (ROOT / 'edge_trt_ros' / 'cli').glob('[!_]*.py')}
RUN = re.compile(r'(?:ros2 run edge_trt_ros|python3 -m edge_trt_ros) (.+)')
LAUNCH = re.compile(r'ros2 launch edge_trt_ros (\w+\.launch\.py)(.*)')
PARAMETERS = {declared.parameter for kind in (
    InferenceParameters, BuilderParameters, ModelFiles, BuildOptions, Detections3DParameters)
    for declared in settings_of(kind)}


def commands(pattern: re.Pattern[str]) -> list[tuple[str, ...]]:
    """Return page, line and groups of each command in a block of a page."""
    found = []
    for page in PAGES:
        for block in re.findall(r'^```sh\n(.*?)^```$', page.read_text(encoding='utf-8'),
                                re.MULTILINE | re.DOTALL):
            found += [(page.name, *match.groups())
                      for match in pattern.finditer(block.replace('\\\n', ''))]
    assert found
    return found


@cache
def help_of(program: str) -> str:
    done = subprocess.run([sys.executable, '-m', 'edge_trt_ros', program, '--help'], check=True,
                          capture_output=True, text=True, timeout=60)
    return done.stdout


@pytest.mark.parametrize('page, line', sorted(set(commands(RUN))))
def test_programs_and_options_exist(page: str, line: str) -> None:
    program, *words = line.split()
    assert program in PROGRAMS
    if '--ros-args' in words:
        given = {word.split(':=')[0] for before, word in zip(words, words[1:]) if before == '-p'}
        assert given <= PARAMETERS
        return
    options = {word for word in words if word.startswith('--')}
    assert {option for option in options
            if not re.search(rf'{option}(?![\w-])', help_of(program))} == set()


@pytest.mark.parametrize('page, name, rest', sorted(set(commands(LAUNCH))))
def test_launch_files_and_arguments_exist(page: str, name: str, rest: str) -> None:
    source = (ROOT / 'launch' / name).read_text(encoding='utf-8')
    known = set(re.findall(r"^    '(\w+)': \(", source, re.MULTILINE))
    assert set(re.findall(r'(\w+):=', rest)) <= known


@pytest.mark.parametrize('page', PAGES, ids=[page.stem for page in PAGES])
def test_parameter_files_name_known_parameters(page: Path) -> None:
    for block in re.findall(r'^```(?:\{code-block\} )?yaml\n(?::caption: \S+\n\n)?(.*?)^```$',
                            page.read_text(encoding='utf-8'), re.MULTILINE | re.DOTALL):
        nodes = yaml.safe_load(block)
        parameters = nodes.get('/**', {}).get('ros__parameters', {})
        assert {name.rsplit('.', 1)[-1] for name in parameters} <= PARAMETERS


@pytest.mark.parametrize('page', PAGES, ids=[page.stem for page in PAGES])
def test_live_parameters_in_commands_exist(page: Path) -> None:
    named = re.findall(r'ros2 param set /\w+ (\w+)', page.read_text(encoding='utf-8'))
    assert set(named) <= PARAMETERS
