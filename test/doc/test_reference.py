# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The reference pages contain the parameters, options, commands and heads of the code."""

from __future__ import annotations

import ast
from pathlib import Path
import re

import pytest

from edge_trt_ros.__main__ import EXECUTABLES
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.heads import HEADS
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.settings import settings_of
from edge_trt_ros.vision.tasks import TASKS
from reference import expanded, PARTS
from reference.commands import options, parser_of
from reference.launch_files import arguments, launch_folder
from reference.manifest import described_fields
from reference.parameters import NODES

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.stem: expanded(path.read_text(encoding='utf-8'))
         for path in (ROOT / 'doc' / 'reference').glob('*.md')}


def cells(page: str) -> list[list[str]]:
    """Return the cells of each row of the tables of a page."""
    return [[cell.strip() for cell in re.split(r'(?<!\\)\|', line.strip('|'))]
            for line in PAGES[page].splitlines() if line.startswith('|')]


def test_every_part_is_on_one_page() -> None:
    marks = [mark for path in (ROOT / 'doc').rglob('*.md')
             for mark in re.findall(r'^<!-- generated: (.+) -->$', path.read_text(), re.MULTILINE)]
    assert sorted(marks) == sorted(PARTS)


def test_an_unknown_part_is_an_error() -> None:
    with pytest.raises(KeyError, match='nothing'):
        expanded('<!-- generated: nothing -->')


@pytest.mark.parametrize('line', [
    declared.row(prefix) for kinds in NODES.values() for kind, prefix in kinds
    for declared in settings_of(kind)])
def test_parameters_are_in_the_reference(line: str) -> None:
    assert line in PAGES['parameters'].splitlines()


def test_parameters_of_every_node_are_in_the_reference() -> None:
    """Every dataclass whose settings a node declares is one of those of the page."""
    declared = set()
    for path in (ROOT / 'edge_trt_ros').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == 'DeclaredParameters':
                declared.add(ast.unparse(node.args[1]))
    assert declared == {kind.__name__ for kinds in NODES.values() for kind, _ in kinds}


def test_build_options_are_in_the_reference() -> None:
    rows = {row[0]: row for row in cells('build_options')}
    for option in settings_of(BuildOptions):
        assert rows[f'`{option.flag}`'][1:3] == [
            f'`<model>.{option.parameter}`', f'`{option.default_text}`']


def test_commands_are_in_the_reference() -> None:
    assert re.findall(r'^## (.+)$', PAGES['commands'], re.MULTILINE) == list(EXECUTABLES)


@pytest.mark.parametrize('name', EXECUTABLES)
def test_options_of_commands_have_a_help_text(name: str) -> None:
    parser = parser_of(name)
    listed = options(parser) if parser else ()
    assert [usage for usage, _, text in listed if not text] == []


def test_build_engine_has_an_option_for_each_build_option() -> None:
    parser = parser_of('build_engine')
    assert parser is not None
    flags = {usage.split()[0].rstrip(',') for usage, _, _ in options(parser)}
    assert {option.flag for option in settings_of(BuildOptions)} <= flags


def test_launch_arguments_are_in_the_reference() -> None:
    files = sorted(launch_folder().glob('*.launch.py'))
    assert [path.name for path in files] == re.findall(
        r'^## (.+)$', PAGES['launch_files'], re.MULTILINE)
    rows = [row[0] for row in cells('launch_files')]
    for path in files:
        names = [name for name, _, _ in arguments(path)]
        assert names and {f'`{name}`' for name in names} <= set(rows)


def test_heads_are_in_the_reference() -> None:
    assert cells('heads')[2:] == [
        [head.networks, head.outputs, head.needs, f'`{name}`'] for name, head in HEADS.items()]


def test_tasks_have_topics_and_heads() -> None:
    rows = cells('tasks')[2:]
    assert [row[0] for row in rows] == [f'`{name}`' for name in TASKS]
    assert [row for row in rows if not all(row)] == []


def test_fields_of_the_manifest_are_described() -> None:
    assert set(described_fields()) == set(EngineManifest.__dataclass_fields__)
