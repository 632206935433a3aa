"""What the README says of parameters, topics and commands is what the code does."""

from __future__ import annotations

from dataclasses import Field, fields
from pathlib import Path
import re

import pytest

from edge_trt_ros.ros.builder.parameters import BuilderParameters, ModelParameters
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.space.parameters import Detections3DParameters

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')


def row(prefix: str, field: Field) -> str:
    """Return the row of a parameter in the README's tables."""
    default = field.default
    shown = ('[]' if default == () else str(default).lower() if isinstance(default, bool)
             else "''" if default == '' else str(default))
    about = field.metadata['description']
    choices, limits = field.metadata['choices'], field.metadata['limits']
    allowed = (f" One of {', '.join(choices)}." if choices else
               f' From {limits[0]} to {limits[1]}.' if limits else '')
    live = 'yes' if field.metadata['live'] else ''
    return f'| `{prefix}{field.name}` | `{shown}` | {live} | {about}{allowed} |'


@pytest.mark.parametrize('line', [
    *(row('', one) for one in fields(InferenceParameters)),
    *(row('', one) for one in fields(BuilderParameters)),
    *(row('<model>.', one) for one in fields(ModelParameters)),
    *(row('', one) for one in fields(Detections3DParameters))])
def test_parameters_are_in_the_readme(line: str) -> None:
    assert line in README.splitlines()


def test_commands_are_in_the_readme() -> None:
    commands = {path.stem for path in (ROOT / 'edge_trt_ros' / 'cli').glob('[!_]*.py')}
    assert {name for name in commands if f'`{name}' not in README} == set()


def test_files_that_the_readme_names_are_there() -> None:
    named = re.findall(r'\]\(([^)#]+)\)', README)
    assert named
    assert [name for name in named if '://' not in name and not (ROOT / name).exists()] == []
