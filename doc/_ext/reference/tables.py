# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """
    Return a Markdown table with a closing newline.

    :param headings: text of the first row; '' for an empty cell.
    :param rows: text of the cells; a `|` in it is escaped.
    """
    lines = [headings, ['---'] * len(headings), *rows]
    return ''.join('| ' + ' | '.join(cell.replace('|', r'\|') for cell in line) + ' |\n'
                   for line in lines)
