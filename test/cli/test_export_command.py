# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The command `export_onnx`: its JSON, its errors and its progress bar."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
import subprocess
import sys
from time import monotonic

import pytest

from edge_trt_ros.cli._progress import phase_bar

TEST_FOLDER = Path(__file__).resolve().parent.parent


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    """Run export_onnx with `support` importable; return its stdout and stderr."""
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'export_onnx', *map(str, arguments)],
        capture_output=True, text=True, timeout=100, cwd=TEST_FOLDER,
        env=os.environ | {'PYTHONPATH': os.pathsep.join(
            [str(TEST_FOLDER.parent), os.environ.get('PYTHONPATH', '')])})
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def test_stdout_is_one_json_document(tmp_path: Path) -> None:
    pytest.importorskip('torch', reason='exporting PyTorch networks needs torch')
    pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")
    labels = tmp_path / 'labels.txt'
    labels.write_text('car\ntruck\ncone\nbike\n')
    (tmp_path / 'arguments.yaml').write_text('classes: 4\n')
    out, error = run(
        'support.networks:Classifier', '-o', tmp_path / 'm.onnx', '--input-shape', '1x3x32x64',
        '--arguments', tmp_path / 'arguments.yaml', '--labels', labels, '--mean', '0.4,0.5,0.6',
        '--color-order', 'bgr', '--dynamic', 'batch', '--task', 'classify', '--json')
    report = json.loads(out)
    assert report['inputs'] == ['images float[batch, 3, 32, 64]'] and error == ''
    assert report['metadata']['names'] == "{0: 'car', 1: 'truck', 2: 'cone', 3: 'bike'}"
    contract = json.loads(report['metadata']['edge_trt_ros.input_contract'])
    assert contract['mean'] == [0.4, 0.5, 0.6] and contract['color_order'] == 'bgr'


@pytest.mark.parametrize('arguments, status, sentence', [
    (('net:make', '--input-shape', '1,3'), 1, "input_shape is '1,3'"),
    (('net:make', '--input-shape', '1x3x8x8', '--dynamic', 'depth'), 1, 'dynamic is depth'),
    (('net:make', '--input-shape', '1x3x8x8', '--mean', '1,2'), 1, 'three numbers each'),
    (('net:make', '--input-shape', '1x3x8x8', '--std', '0,1,1'), 1, 'no std of 0'),
    (('net:make', '--input-shape', '1x3x8x8', '--arguments', '{'), 1, 'arguments are not YAML'),
    (('net:make', '--input-shape', '1x3x8x8', '--arguments', '7'), 1, "arguments are '7'"),
    (('net:make', '--input-shape', '1x3x8x8', '--arguments', 'no.yaml'), 1,
     'arguments no.yaml cannot be read: No such file'),
    (('net:make', '--input-shape', '1x3x8x8', '--images', 'none.png'), 1, 'no such file'),
    (('none.pt', '--input-shape', '1x3x8x8'), 1, 'neither a regular file, a folder'),
    (('net:make',), 2, '--input-shape'),
])
def test_errors_are_one_sentence(tmp_path: Path, arguments: tuple[str, ...], status: int,
                                 sentence: str) -> None:
    out, error = run(*arguments, '-o', tmp_path / 'm.onnx', status=status)
    assert sentence in error and 'Traceback' not in error and out == ''
    assert status == 2 or len(error.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


class Terminal(io.StringIO):
    """A terminal that records the times of writes."""

    def __init__(self) -> None:
        super().__init__()
        self.times_s: list[float] = []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.times_s.append(monotonic())
        return super().write(text)


def test_progress_bar_moves_while_the_exporter_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, 'stderr', terminal)
    with phase_bar() as progress:
        progress('export', 0.0)
        started = monotonic()
        while monotonic() - started < 2.0:
            sum(range(100_000))
        progress('compare', 0.7)
    times_s = [time_s - started for time_s in terminal.times_s if time_s >= started]
    gaps_s = [after - before for before, after in zip([0.0, *times_s], times_s)]
    assert max(gaps_s) < 1.0 and 'export' in terminal.getvalue()
