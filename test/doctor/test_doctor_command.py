# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The doctor as a process: its report, its JSON, its exit status, and broken libraries."""

from __future__ import annotations

import json
import os
from pathlib import Path
import pty
import subprocess
import sys
from time import monotonic
from typing import Any
from xml.etree import ElementTree

import pytest

from edge_trt_ros.doctor.finding import STATUSES
from edge_trt_ros.doctor.surroundings import MESSAGE_MODULES

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, '-m', 'edge_trt_ros', 'doctor']


def doctor(*arguments: str, status: int = 0, broken: Path | None = None) -> str:
    """Run the doctor, with the modules of a folder in front of the installed ones."""
    paths = [str(broken)] if broken else []
    done = subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=60,
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(
            [*paths, os.environ.get('PYTHONPATH', '')])})
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ''
    return done.stdout


def findings(*arguments: str, status: int = 0, broken: Path | None = None
             ) -> dict[str, dict[str, Any]]:
    document = json.loads(doctor('--json', *arguments, status=status, broken=broken))
    assert document['ready'] == (status == 0)
    return {finding['name']: finding for finding in document['findings']}


def test_report_of_this_machine() -> None:
    started = monotonic()
    report = doctor()
    assert monotonic() - started < 10  # about 1 s on an idle machine
    lines = report.splitlines()
    assert lines[0].startswith('edge_trt_ros ') and lines[-1].startswith('Ready: engines run on')
    assert len(lines) <= 24
    assert all(len(line) < 80 for line in lines if 'fix: ' not in line)
    assert '\x1b' not in report


def test_json_of_this_machine() -> None:
    document = json.loads(doctor('--json'))
    assert document['ready'] and document['missing'] == [] and document['runs_on']
    found = {finding['name']: finding for finding in document['findings']}
    assert {'Python', 'ROS 2', 'messages', 'libraries', 'GPU', 'transport', 'disk'} <= set(found)
    assert {finding['status'] for finding in found.values()} <= set(STATUSES)
    assert 'rclpy' in found['ROS 2']['text']


def test_checked_messages_are_those_of_the_package() -> None:
    declared = {str(element.text) for element in ElementTree.parse(ROOT / 'package.xml').iter(
        'exec_depend') if str(element.text).endswith(('_msgs', '_srvs', '_interfaces'))}
    assert {module.partition('.')[0] for module in MESSAGE_MODULES} == declared


@pytest.mark.parametrize('no_color', ['', '1'])
def test_color_only_on_a_terminal_that_wants_it(no_color: str) -> None:
    child, terminal = pty.fork()
    if child == 0:
        os.execve(sys.executable, COMMAND, {**os.environ, 'NO_COLOR': no_color})
    output = b''
    try:
        while data := os.read(terminal, 4096):
            output += data
    except OSError:  # Linux raises EIO when the child has closed its end
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (b'\x1b[32mok' in output) == (not no_color)


@pytest.mark.parametrize('module, name', [
    ('rclpy', 'ROS 2'), ('vision_msgs', 'messages'), ('cv2', 'cv2'), ('numpy', 'numpy')])
def test_what_a_node_needs_and_is_not_here(module: str, name: str, tmp_path: Path) -> None:
    (tmp_path / f'{module}.py').write_text(
        f"raise ModuleNotFoundError('blocked', name={module!r})\n")
    found = findings(status=1, broken=tmp_path)
    assert found[name]['status'] == 'missing' and found[name]['fix']
    assert found['Python']['status'] == 'ok'
    assert doctor(status=1, broken=tmp_path).splitlines()[-1].startswith(f'Not ready: {name}')


@pytest.mark.parametrize('code, words', [
    ("raise OSError('libfoo.so.3: no such file')", 'OSError: libfoo.so.3'),
    ('raise SystemExit(3)', 'SystemExit: 3'),
    ('import os; os._exit(5)', 'ended the process with 5'),
    ("import os, sys; sys.stderr.write('bad CUDA'); sys.stderr.flush(); os.abort()",
     'killed by SIGABRT: bad CUDA'),
    ("import sys; print('hello'); sys.stdout.flush(); import libfoo_bindings",
     "No module named 'libfoo_bindings'")])
def test_broken_library_is_reported_and_the_rest_is_still_checked(
        code: str, words: str, tmp_path: Path) -> None:
    (tmp_path / 'onnxruntime.py').write_text(code + '\n')
    (tmp_path / 'tensorrt.py').write_text(code + '\n')
    found = findings(status=1, broken=tmp_path)
    assert found['ONNX Runtime']['status'] == 'missing' and words in found['ONNX Runtime']['text']
    assert 'pip install onnxruntime' in found['ONNX Runtime']['fix']
    assert found['TensorRT']['status'] == 'warning' and words in found['TensorRT']['text']
    assert found['onnx']['status'] == 'ok' and found['ROS 2']['status'] == 'ok'


def test_optional_library_that_is_not_here(tmp_path: Path) -> None:
    (tmp_path / 'tokenizers.py').write_text(
        "raise ModuleNotFoundError('blocked', name='tokenizers')\n")
    found = findings(broken=tmp_path)['tokenizers']
    assert found['status'] == 'optional' and 'texts' in found['text']
    assert found['fix'].endswith('-m pip install tokenizers')


def test_folders_of_a_parameter_file(tmp_path: Path) -> None:
    (tmp_path / 'good').mkdir()
    params = tmp_path / 'builder.yaml'
    params.write_text(f"""
/robot:
  engine_builder:
    ros__parameters:
      allowed_folders: ['{tmp_path}/good', '{tmp_path}/not here']
""")
    found = findings('--params-file', str(params))['folders']
    assert found['status'] == 'warning' and 'not here of allowed_folders does not exist' \
        in found['text']
    assert found['fix'] == f"mkdir -p '{tmp_path}/not here'"
    params.write_text(params.read_text().replace('/not here', '/good'))
    assert findings('--params-file', str(params))['folders']['status'] == 'ok'
    params.write_text('a: [')
    assert 'cannot be read' in findings('--params-file', str(params), status=1)['folders']['text']
    os.mkfifo(tmp_path / 'fifo')
    found = findings('--params-file', str(tmp_path / 'fifo'), status=1)['folders']
    assert 'it is a FIFO' in found['text']
