# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The README is short, its links exist, and what it tells the reader to type works in order."""

from __future__ import annotations

from pathlib import Path
import re
import shutil
import subprocess
import sys

import cv2
import pytest
from support.gpu import why_no_gpu
from support.pages import blocks, run_page

from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.demo.road.scene import Scene

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.md').read_text(encoding='utf-8')
LAUNCH = ('ros2 launch edge_trt_ros inference.launch.py engine_file_path:=$PWD/my_model.engine '
          'image_topic:=/camera/image_raw')
# The environment is here, the tests are running, and there is neither a workspace of ROS 2 nor a
# camera; '' skips a line.
STAND_INS = {
    'git clone https://github.com/edge-trt-ros/edge_trt_ros && cd edge_trt_ros': '',
    'make demo': 'python3 -m edge_trt_ros demo --seconds 6 --output demo_output',
    'make test': '',
    '. environment/activate': '',
    LAUNCH: 'python3 -m edge_trt_ros inference_node --ros-args '
            '-p engine_file_path:=my_model.engine -p autostart:=true -r image:=/camera/image_raw',
    'ros2 topic echo /detections': '',
    'cd ~/ws/src && git clone https://github.com/edge-trt-ros/edge_trt_ros': '',
    'cd ~/ws && rosdep install --from-paths src --ignore-src -y': '',
    'colcon build --packages-select edge_trt_ros && source install/setup.bash': '',
    'ros2 run edge_trt_ros doctor': 'python3 -m edge_trt_ros doctor'}


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_linked_files_exist() -> None:
    named = re.findall(r'\]\(([^)#]+)\)', README)
    assert len(named) > 10
    assert [name for name in named if '://' not in name and not (ROOT / name).exists()] == []


def test_every_line_with_a_stand_in_is_in_it() -> None:
    assert [line for line in STAND_INS if line not in README.splitlines()] == []


@pytest.mark.skipif(not why_no_gpu(), reason='the README shows engines for the CPU')
def test_commands_run_in_their_order(tmp_path: Path) -> None:
    shutil.copy(MODEL_PATH, tmp_path / 'my_model.onnx')
    (tmp_path / 'photos').mkdir()
    scene = Scene(7)
    for index in range(3):
        cv2.imwrite(str(tmp_path / 'photos' / f'{index}.png'), scene.image(2.0 * index))
    run_page(README, tmp_path, STAND_INS)
    assert (tmp_path / 'demo_output' / 'overlay.png').is_file()
    assert len(list((tmp_path / 'drawn').iterdir())) == 3
    (tmp_path / 'photos' / '0.png').rename(tmp_path / 'street.jpg')
    (code,) = [block.text for block in blocks(README) if block.kind == 'python']
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, check=True, timeout=60,
                          capture_output=True, text=True)
    assert re.match(r'(car|truck|pedestrian|cyclist|cone) \[', done.stdout), done.stdout
    assert (tmp_path / 'drawn.png').is_file()
