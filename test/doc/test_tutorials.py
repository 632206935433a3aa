# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The commands of some pages run in order and print what the pages show.

A block `sh` is run, a code block with a caption is saved under that name, and a block `text` is
the output of the command above it. Numbers may differ, and `...` stands for any text.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil
import signal
import subprocess
import sys

import pytest
from support.gpu import why_no_gpu

from edge_trt_ros.demo.detector.model import MODEL_PATH

DOC = Path(__file__).resolve().parents[2] / 'doc'
# The repository is here already, and there is no camera: '' skips a line.
STAND_INS = {
    'git clone https://github.com/edge-trt-ros/edge_trt_ros && cd edge_trt_ros': '',
    'make environment': '',
    '. environment/activate': '',
    'mkdir ../first_engine': '',
    'cp edge_trt_ros/demo/detector/road_users.onnx ../first_engine': f"cp '{MODEL_PATH}' .",
    'cd ../first_engine': '',
    'ros2 bag record --storage mcap --output drive /camera/image_raw': 'python3 record.py'}
NODES = ('inference_node', 'synthetic_camera')
# What it prints depends on the moment.
VARIES = 'python3 listen.py'


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


def run_page(name: str, folder: Path) -> None:
    """Run the blocks of a page in a folder."""
    paths = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed, command = '', ''
    page = blocks((DOC / name).read_text(encoding='utf-8'))
    for block in page:
        if block.name:
            (folder / block.name).write_text(block.text, encoding='utf-8')
    with nodes_of_a_page() as running:
        for block in page:
            if block.kind == 'text' and command != VARIES:
                check_output(block.text, printed)
            elif block.kind == 'sh':
                for command in block.text.replace('\\\n', '').splitlines():
                    line = STAND_INS.get(command, command).replace('ros2 run', 'python3 -m')
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


@pytest.mark.skipif(not why_no_gpu(), reason='the pages show engines for the CPU')
def test_first_engine_runs_as_written(tmp_path: Path) -> None:
    run_page('tutorials/first_engine.md', tmp_path)
    assert len(list((tmp_path / 'drawn').iterdir())) == 12


@pytest.mark.skipif(not why_no_gpu(), reason='the pages show engines for the CPU')
@pytest.mark.parametrize('name, last', [
    ('tutorials/int8_with_a_bag.md', 'drive_detected/metadata.yaml'),
    ('howto/python_without_ros.md', 'drawn.png')])
def test_page_runs_as_written(name: str, last: str, tmp_path: Path) -> None:
    shutil.copy(MODEL_PATH, tmp_path)
    first = blocks((DOC / 'tutorials' / 'first_engine.md').read_text(encoding='utf-8'))
    frames = next(block for block in first if block.name == 'frames.py')
    subprocess.run([sys.executable, '-c', frames.text], cwd=tmp_path, check=True, timeout=60)
    run_page(name, tmp_path)
    assert (tmp_path / last).is_file()


def test_an_output_that_differs_is_found() -> None:
    check_output('agrees on 3 images, ...\n', 'x: 1\nagrees on 12 images, 5 boxes\n')
    with pytest.raises(AssertionError, match='the page shows'):
        check_output('agrees on 3 pictures\n', 'agrees on 12 images\n')
