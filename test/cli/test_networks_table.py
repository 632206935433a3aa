# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The README's table of networks lists the heads of the registry."""

from __future__ import annotations

from pathlib import Path

from edge_trt_ros.heads import rows_of_table

README = Path(__file__).resolve().parents[2] / 'README.md'
HEADINGS = ('networks', 'outputs', 'needs besides the ONNX')


def cells(line: str) -> tuple[str, ...]:
    """Return the cells of a row of a Markdown table."""
    return tuple(cell.strip() for cell in line.strip().strip('|').split('|'))


def test_networks_in_the_readme_are_those_of_the_registry() -> None:
    lines = README.read_text(encoding='utf-8').splitlines()
    (heading,) = [index for index, line in enumerate(lines) if cells(line) == HEADINGS]
    table = lines[heading + 2:lines.index('', heading)]
    assert [cells(line) for line in table] == rows_of_table()
