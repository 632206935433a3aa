# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Launch arguments, read from the files' text: `launch` has no wheels."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import edge_trt_ros
from reference.tables import table


def launch_folder() -> Path:
    """Return the folder of the launch files, next to the package: this file may be a copy."""
    return Path(edge_trt_ros.__file__).resolve().parents[1] / 'launch'


def arguments(path: Path) -> Iterator[tuple[str, str, str]]:
    """
    Yield name, default and description of each argument; the default of a required one is ''.

    :param path: a launch file with a dictionary `ARGUMENTS`.
    """
    for statement in ast.parse(path.read_text(encoding='utf-8')).body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Dict):
            continue
        if ast.unparse(statement.targets[0]) == 'ARGUMENTS':
            for key, value in zip(statement.value.keys, statement.value.values):
                if key is None or not isinstance(value, ast.Tuple):
                    raise ValueError(f'{path}: expected name: (default, description)')
                default, description = value.elts
                yield ast.literal_eval(key), _shown(default), ast.literal_eval(description)


def _shown(default: ast.expr) -> str:
    if isinstance(default, ast.Constant):
        return '' if default.value is None else f"`{default.value or repr('')}`"
    # A path in the package's share folder: the strings are its parts.
    parts = [node.value for node in ast.walk(default)
             if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return f"`{'/'.join(sorted(parts, key=lambda part: part != 'edge_trt_ros'))}`"


def markdown() -> str:
    """Return a section for each launch file."""
    return '\n'.join(
        f"## {path.name}\n\n{ast.get_docstring(ast.parse(path.read_text(encoding='utf-8')))}\n\n"
        + table(('argument', 'default', ''), (
            (f'`{name}`', default or 'required', description)
            for name, default, description in arguments(path)))
        for path in sorted(launch_folder().glob('*.launch.py')))
