# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The report that a person can send: `benchmark --report` and `make test-gpu` add to one file."""

from __future__ import annotations

import json
import os
from pathlib import Path
import platform
import subprocess
import sys

import pytest
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.doctor.report_file import add_to_report
from edge_trt_ros.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import pytest


@pytest.mark.parametrize('value', [1, 2])
def test_value(value):
    if value == 2:
        raise ValueError('the kernel failed')


def test_skipped():
    pytest.skip('no such GPU')
"""


def test_both_programs_write_one_file(tmp_path: Path) -> None:
    (tmp_path / 'test_it.py').write_text(TESTS)
    (tmp_path / 'pytest.ini').write_text('[pytest]\n')
    subprocess.run([sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', '-p',
                    'support.gpu_report', '-c', 'pytest.ini', 'test_it.py'], cwd=tmp_path,
                   env={**os.environ, 'PYTHONPATH': f'{ROOT}:{ROOT}/test'},
                   check=False, timeout=60, capture_output=True)
    path = tmp_path / 'gpu_report.json'
    report = json.loads(path.read_text())
    tests = report['gpu_tests']
    assert [tests[name] for name in ('passed', 'failed', 'skipped')] == [1, 1, 1]
    assert 'ValueError: the kernel failed' in '\n'.join(
        tests['tests']['test_it.py::test_value[2]']['error'])
    assert tests['tests']['test_it.py::test_skipped']['reason'] == 'no such GPU'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine',
                 BuildOptions(backend='onnxruntime'))
    subprocess.run([sys.executable, '-m', 'edge_trt_ros', 'benchmark', 'm.engine', '--frames',
                    '3', '--report', 'gpu_report.json'], cwd=tmp_path, check=True, timeout=60,
                   capture_output=True)
    report = json.loads(path.read_text())
    assert report['gpu_tests'] == tests and 'stages_ms' in report['benchmark']['engine']
    assert report['machine']['python'] == platform.python_version()
    assert report['doctor']['findings'] and 'board' in report
    text = path.read_text()
    assert platform.node() not in text and str(Path.home()) not in text


def test_other_file_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / 'notes.json'
    for text in ('{"mine": 1}', 'no JSON', '[]'):
        path.write_text(text)
        with pytest.raises(ConfigurationError, match='notes.json exists and is no report'):
            add_to_report(path, 'benchmark', {})
        assert path.read_text() == text
