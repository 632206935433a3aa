# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The README lists the parameters and commands of the code, and links existing files."""

from __future__ import annotations

from pathlib import Path
import re

import pytest

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelFiles
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.space.parameters import Detections3DParameters
from edge_trt_ros.settings import settings_of

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')


@pytest.mark.parametrize('line', [
    *(declared.row() for kind in (InferenceParameters, BuilderParameters, Detections3DParameters)
      for declared in settings_of(kind)),
    *(declared.row('<model>.') for kind in (ModelFiles, BuildOptions)
      for declared in settings_of(kind))])
def test_parameters_are_in_the_readme(line: str) -> None:
    assert line in README.splitlines()


def test_commands_are_in_the_readme() -> None:
    commands = {path.stem for path in (ROOT / 'edge_trt_ros' / 'cli').glob('[!_]*.py')}
    assert {name for name in commands if f'`{name}' not in README} == set()


def test_files_linked_in_the_readme_exist() -> None:
    named = re.findall(r'\]\(([^)#]+)\)', README)
    assert named
    assert [name for name in named if '://' not in name and not (ROOT / name).exists()] == []
