# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Files and functions stay short, and every file names its licence."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for folder in ('edge_trt_ros', 'test')
               for path in (ROOT / folder).rglob('*.py'))
MAX_FILE_LINES, MAX_FUNCTION_LINES = 250, 60
HEADER = ['# Copyright 2026 edge_trt_ros maintainers', '# SPDX-License-Identifier: Apache-2.0']

each_file = pytest.mark.parametrize(
    'path', FILES, ids=lambda path: path.relative_to(ROOT).as_posix())


def function_lengths(source: str) -> Iterator[tuple[str, int]]:
    """Yield name and number of lines of every function, methods and nested functions included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            yield f'{node.name} (line {node.lineno})', node.end_lineno - node.lineno + 1


@each_file
def test_file_length(path: Path) -> None:
    # Without the three lines of copyright and licence.
    lines = len(path.read_text(encoding='utf-8').splitlines()) - 3
    assert lines <= MAX_FILE_LINES, f'{path.relative_to(ROOT)} has {lines} lines: split it'


@each_file
def test_header(path: Path) -> None:
    lines = path.read_text(encoding='utf-8').splitlines()
    assert lines[:2] == HEADER, f'{path.relative_to(ROOT)} must start with {HEADER}'


@each_file
def test_function_lengths(path: Path) -> None:
    lengths = dict(function_lengths(path.read_text(encoding='utf-8')))
    too_long = {name: lines for name, lines in lengths.items() if lines > MAX_FUNCTION_LINES}
    assert not too_long, f'{path.relative_to(ROOT)} has long functions: {too_long}'


def test_function_lengths_include_methods_and_nested_functions() -> None:
    source = ('class A:\n    async def method(self):\n        def nested():\n'
              '            pass\n        return nested\n')
    assert dict(function_lengths(source)) == {'method (line 2)': 4, 'nested (line 3)': 2}
