# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A missing library is explained in one sentence, with the command that installs it."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys
import sysconfig

import pytest

from edge_trt_ros.error_codes import ERROR_CODES
from edge_trt_ros.errors import MissingLibraryError
from edge_trt_ros.optional_libraries import (is_externally_managed, missing_code,
                                             OPTIONAL_LIBRARIES, pip_install, require,
                                             require_converter, require_ros)

SYSTEM_PYTHON = Path('/usr/bin/python3')


def test_an_installed_library_is_returned() -> None:
    assert require('onnx', 'this test').__name__ == 'onnx'
    assert require('onnx.helper', 'this test').make_node
    require_converter('this test')
    require_ros('this test')


@pytest.mark.parametrize('module, code, sentence', [
    ('onnx', 'onnx_missing', 'this test needs onnx, which is not installed: pip install onnx'),
    ('onnxruntime', 'onnxruntime_missing', 'needs ONNX Runtime, which is not installed: pip'),
    ('edgefirst.tracker', 'tracker_missing', 'pip install edgefirst-tracker'),
    ('rclpy', 'ros_missing', r'needs ROS 2, which is not installed: run `source /opt/ros/'),
    ('vision_msgs', 'vision_msgs_missing', 'sudo apt install ros-[a-z]+-vision-msgs')])
def test_a_missing_library(module: str, code: str, sentence: str,
                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setitem(sys.modules, module.partition('.')[0], None)
    with pytest.raises(MissingLibraryError, match=sentence) as caught:
        require(module, 'this test')
    assert caught.value.code == code and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize('content', [
    'import a_library_that_does_not_exist', 'raise ImportError("libGL.so.1: cannot open")',
    'raise OSError("libonnx.so has the wrong architecture")'])
def test_a_broken_library(content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / 'tf2onnx.py').write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, 'tf2onnx', raising=False)
    with pytest.raises(MissingLibraryError, match='installed but cannot be loaded') as caught:
        require('tf2onnx', 'this test')
    assert caught.value.code == 'library_broken'


def test_codes_and_remedies_of_all_libraries() -> None:
    codes = [missing_code(name) for name in OPTIONAL_LIBRARIES]
    assert len(set(codes)) == len(codes)
    assert {'onnx_missing', 'onnxruntime_missing', 'ros_missing'} <= set(codes)
    assert {*codes, 'library_broken', 'model_closed', 'image_missing'} <= set(ERROR_CODES)
    for library in OPTIONAL_LIBRARIES.values():
        assert library.install.startswith(('pip install ', 'sudo apt ', 'run `source'))


def test_the_distribution_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv('ROS_DISTRO', 'kilted')
    assert OPTIONAL_LIBRARIES['cv_bridge'].install == 'sudo apt install ros-kilted-cv-bridge'


def test_where_pip_refuses_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pip refuses in the system's Python of Ubuntu 24.04, but not in a virtual environment."""
    (tmp_path / 'EXTERNALLY-MANAGED').touch()
    monkeypatch.setattr(sysconfig, 'get_path', lambda name: str(tmp_path))
    monkeypatch.setattr(sys, 'base_prefix', sys.prefix)
    assert pip_install('onnx') == 'pip install --user --break-system-packages onnx'
    monkeypatch.setattr(sys, 'base_prefix', '/another')
    assert pip_install('onnx') == 'pip install onnx'


@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason=f'there is no {SYSTEM_PYTHON}')
def test_the_python_of_this_system() -> None:
    """The answer is what pip itself would say."""
    done = subprocess.run(
        [SYSTEM_PYTHON, '-c', 'from edge_trt_ros.optional_libraries import *\n'
         'import sys\nsys.exit(is_externally_managed())'], check=False, cwd=Path(
             __file__).resolve().parent.parent, env={}, timeout=60)
    managed = list(Path('/usr/lib').glob('python3*/EXTERNALLY-MANAGED'))
    assert done.returncode == bool(managed)
    assert sys.prefix == sys.base_prefix or not is_externally_managed()
