# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Pages of the documentation whose commands run in order and print what the page shows.

A block `sh` is run, a code block with a caption is saved under that name, and a block `text` is
the output of the command above it. Numbers may differ, and `...` stands for any text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

NODES = ('inference_node', 'synthetic_camera')


@dataclass(frozen=True)
class Block:
    """
    A block of a page.

    :param kind: its language, such as `sh`.
    :param name: its caption: the file to save it as; '' for none.
    :param text: its lines.
    """

    kind: str
    name: str
    text: str


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page; a caption is an option of the directive `code-block`."""
    found = re.finditer(r'^```(?:\{code-block\} )?(\w+)\n(?::caption: (\S+)\n\n)?(.*?)^```$',
                        page, re.MULTILINE | re.DOTALL)
    return [Block(match[1], match[2] or '', match[3]) for match in found]


@contextmanager
def nodes_of_a_page() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Keep a list of running nodes, which end with the page."""
    running: list[subprocess.Popen[bytes]] = []
    try:
        yield running
    finally:
        for node in running:
            node.send_signal(signal.SIGINT)
        for node in running:
            try:
                node.wait(20)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()


def run_page(text: str, folder: Path, stand_ins: Mapping[str, str] = {},
             varies: str = '') -> None:
    """
    Run the blocks of a page in a folder.

    :param text: the page.
    :param folder: working directory of the commands.
    :param stand_ins: what runs in place of a line; '' skips it.
    :param varies: a line whose output is not compared, since it depends on the moment.
    """
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed, command = '', ''
    page = blocks(text)
    for block in page:
        if block.name:
            (folder / block.name).write_text(block.text, encoding='utf-8')
    with nodes_of_a_page() as running:
        for block in page:
            if block.kind == 'text' and command != varies:
                check_output(block.text, printed)
            elif block.kind == 'sh':
                for command in block.text.replace('\\\n', '').splitlines():
                    line = stand_ins.get(command, command).replace('ros2 run', 'python3 -m')
                    words = line.split()
                    if len(words) > 3 and words[3] in NODES:
                        running.append(subprocess.Popen(
                            [sys.executable, *words[1:]], cwd=folder,
                            stderr=subprocess.DEVNULL))
                        continue
                    done = subprocess.run(
                        ['bash', '-c', line], cwd=folder, env={**os.environ, 'PATH': paths},
                        capture_output=True, text=True, timeout=60, check=False)
                    assert done.returncode == 0, f'{line}: {done.stdout}{done.stderr}'
                    printed = done.stdout


def check_output(shown: str, printed: str) -> None:
    """Each line of the page must be a line that the command printed."""
    actual = [masked(line) for line in printed.splitlines()]
    for line in shown.splitlines():
        pattern = '.*'.join(re.escape(masked(part)) for part in line.split('...'))
        assert any(re.fullmatch(pattern, text) for text in actual), (
            f'the page shows {line!r}, the command prints {printed}')


def masked(line: str) -> str:
    """Replace hashes and numbers."""
    line = re.sub(r'\b[0-9a-f]{12}\b', 'HASH', line)
    return re.sub(r' +', ' ', re.sub(r'[\d.]*\d(e-\d+)?', 'N', line))
