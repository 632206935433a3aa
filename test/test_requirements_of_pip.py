# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What `pip install` of this package brings, without ROS and with it."""

from __future__ import annotations

import ast
from pathlib import Path
import re
import runpy
import sys
from typing import Any

import pytest
import setuptools

from edge_trt_ros.optional_libraries import OPTIONAL_LIBRARIES

ROOT = Path(__file__).resolve().parent.parent
# Names of distributions for pip where they differ from the module's.
DISTRIBUTIONS = {'cv2': 'opencv-python-headless', 'yaml': 'pyyaml', 'edgefirst':
                 'edgefirst-tracker', 'cuda': 'cuda-bindings', 'tritonclient':
                 'tritonclient[grpc]', 'grpc': 'tritonclient[grpc]'}
ROS = {'ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs',
       'geometry_msgs', 'lifecycle_msgs', 'message_filters', 'rcl_interfaces', 'rclpy',
       'rosidl_runtime_py', 'sensor_msgs', 'std_msgs', 'std_srvs', 'vision_msgs'}
# Only with the choice of a framework or of a GPU, or for comparison, so in no extra.
ASKED_FOR = {'tensorflow', 'tf2onnx', 'torchvision', 'tensorrt', 'ultralytics'}


def requirements(monkeypatch: pytest.MonkeyPatch, *, ros: bool) -> dict[str, Any]:
    """Return what setup.py passes to setuptools."""
    captured: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, 'setup', lambda **fields: captured.update(fields))
    monkeypatch.chdir(ROOT)
    if ros:
        monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/jazzy')
    else:
        monkeypatch.delenv('AMENT_PREFIX_PATH', raising=False)
    runpy.run_path(str(ROOT / 'setup.py'))
    return captured


def names(listed: list[str]) -> set[str]:
    """Return the names of requirements, without their versions."""
    return {re.split(r'[<>=!]', requirement)[0].lower() for requirement in listed}


def imported() -> set[str]:
    """Return the top-level names of everything that the package imports."""
    found = set()
    for path in (ROOT / 'edge_trt_ros').rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition('.')[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition('.')[0])
    return found - set(sys.stdlib_module_names) - {'edge_trt_ros'}


def test_pip_brings_every_library_that_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = requirements(monkeypatch, ros=False)
    extras = {name for listed in setup['extras_require'].values() for name in names(listed)}
    brought = names(setup['install_requires']) | extras
    wanted = {DISTRIBUTIONS.get(name, name) for name in imported() - ROS - ASKED_FOR}
    assert wanted - brought == set()
    assert names(setup['install_requires']) <= wanted | {'ml_dtypes'}


def test_what_is_explained_when_missing_has_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    setup = requirements(monkeypatch, ros=False)
    brought = names(setup['install_requires']) | {
        name for listed in setup['extras_require'].values() for name in names(listed)}
    for library in OPTIONAL_LIBRARIES.values():
        assert set(library.packages.split()) <= brought | ASKED_FOR


def test_where_ros_is_sourced_rosdep_brings_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the names for pip, apt's packages have others: a script that requires them may fail."""
    assert requirements(monkeypatch, ros=True)['install_requires'] == ['setuptools']
