# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The texts that users read: pages of the documentation, messages and descriptions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
import re

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / 'edge_trt_ros'
# Calls whose texts a user sees: errors, logs, options of commands and parameters.
_SHOWN_BY = re.compile(
    r'(Error|ErrorCode|error|warning|info|debug|fatal|exception|add_argument|ArgumentParser|'
    r'setting|print|Finding)$')


def pages() -> list[Path]:
    """Return the pages of the documentation that are written by hand."""
    return sorted([*ROOT.glob('*.md'), *(ROOT / 'doc').rglob('*.md'),
                   *(ROOT / '.github').rglob('*.md')])


def prose(page: str) -> str:
    """Return the running text of a page in MyST: no code, tables, links' addresses or lists."""
    text = re.sub(r'<!--.*?-->', '', page, flags=re.DOTALL)
    text = re.sub(r'^(```|~~~|:::).*?^\1', '', text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r'\{[\w:+-]+\}`([^`<]*?)(\s*<[^`]*>)?`', r'\1', text)
    text = re.sub(r'!?\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])', r'\1', text)
    text = re.sub(r'`[^`]*`', 'it', text)
    kept = [line for line in text.splitlines()
            if not re.match(r'\s*(\||#|-{3,}|={3,}|[-*+] |\d+\. |:|\(|\+)', line)]
    return re.sub(r'[*_]{1,2}(\S[^*_]*)[*_]{1,2}', r'\1', '\n'.join(kept))


def sentences(text: str) -> list[str]:
    """Return the sentences of a running text."""
    found = []
    for paragraph in re.split(r'\n\s*\n', text):
        line = ' '.join(paragraph.split())
        found += [part for part in re.split(r'(?<=[.!?:])\s+(?=[A-Z"(])', line)
                  if len(part.split()) > 2]
    return found


def messages() -> Iterator[tuple[str, str]]:
    """Yield place and text of each literal that an error, a log or an option shows."""
    for path in sorted(PACKAGE.rglob('*.py')):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _SHOWN_BY.search(ast.unparse(node.func)):
                place = f'{path.relative_to(ROOT)}:{node.lineno}'
                for part in (*node.args, *(keyword.value for keyword in node.keywords)):
                    text = ''.join(piece.value for piece in ast.walk(part)
                                   if isinstance(piece, ast.Constant)
                                   and isinstance(piece.value, str))
                    if ' ' in text:
                        yield place, text
