# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The commands of some pages run in order and print what the pages show."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
import shutil
import subprocess
import sys

import pytest
from support.gpu import why_no_gpu
from support.pages import blocks, check_output, run_page

from edge_trt_ros.demo.detector.model import MODEL_PATH

DOC = Path(__file__).resolve().parents[2] / 'doc'
# The repository is here already, and there is no camera: '' skips a line.
STAND_INS = {
    'git clone https://github.com/edge-trt-ros/edge_trt_ros && cd edge_trt_ros': '',
    'make environment': '',
    'pip install git+https://github.com/edge-trt-ros/edge_trt_ros': '',
    '. environment/activate': '',
    'mkdir ../first_engine': '',
    'cp edge_trt_ros/demo/detector/road_users.onnx ../first_engine': f"cp '{MODEL_PATH}' .",
    'cd ../first_engine': '',
    'ros2 bag record --storage mcap --output drive /camera/image_raw': 'python3 record.py'}
# What it prints depends on the moment.
VARIES = 'python3 listen.py'


def page(name: str) -> str:
    """Return the text of a page."""
    return (DOC / name).read_text(encoding='utf-8')


@pytest.mark.skipif(not why_no_gpu(), reason='the pages show engines for the CPU')
def test_first_engine_runs_as_written(tmp_path: Path) -> None:
    run_page(page('tutorials/first_engine.md'), tmp_path, STAND_INS, VARIES)
    assert len(list((tmp_path / 'drawn').iterdir())) == 12


@pytest.mark.skipif(not why_no_gpu(), reason='the pages show engines for the CPU')
@pytest.mark.parametrize('name, last', [
    ('tutorials/int8_with_a_bag.md', 'drive_detected/metadata.yaml'),
    ('howto/python_without_ros.md', 'drawn.png')])
def test_page_runs_as_written(name: str, last: str, tmp_path: Path) -> None:
    shutil.copy(MODEL_PATH, tmp_path)
    first = blocks(page('tutorials/first_engine.md'))
    frames = next(block for block in first if block.name == 'frames.py')
    subprocess.run([sys.executable, '-c', frames.text], cwd=tmp_path, check=True, timeout=60)
    run_page(page(name), tmp_path, STAND_INS, VARIES)
    assert (tmp_path / last).is_file()


@pytest.mark.skipif(not find_spec('torch'), reason='PyTorch is not installed')
@pytest.mark.skipif(not why_no_gpu(), reason='the pages show engines for the CPU')
def test_pytorch_network_after_three_steps(tmp_path: Path) -> None:
    text = page('tutorials/your_pytorch_network.md')
    assert 'range(300)' in text
    detect = next(line for line in text.splitlines() if ' detect shapes.engine' in line)
    # After three steps of training it detects nothing.
    run_page(text.replace('range(300)', 'range(3)'), tmp_path, varies=detect)
    assert len(list((tmp_path / 'drawn').iterdir())) == 2


def test_an_output_that_differs_is_found() -> None:
    check_output('agrees on 3 images, ...\n', 'x: 1\nagrees on 12 images, 5 boxes\n')
    with pytest.raises(AssertionError, match='the page shows'):
        check_output('agrees on 3 pictures\n', 'agrees on 12 images\n')
