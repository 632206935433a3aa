# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A command whose output is no longer read, as in `detect ... | head`, ends without a message."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

import pytest
from support.image_folder import image_folder

from edge_trt_ros.cli import _command
from edge_trt_ros.demo.detector.model import MODEL_PATH


def closed(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command into `head`, which reads one byte."""
    command = [sys.executable, '-m', 'edge_trt_ros', *arguments]
    with subprocess.Popen(['head', '-c', '1'], stdin=subprocess.PIPE,
                          stdout=subprocess.DEVNULL) as head:
        return subprocess.run(command, stdout=head.stdin, stderr=subprocess.PIPE, timeout=60)


def test_lines_that_nothing_reads(tmp_path: Path) -> None:
    images = image_folder(tmp_path / 'images', 30)
    done = closed('detect', str(MODEL_PATH), str(images), '--backend', 'onnxruntime')
    assert (done.returncode, done.stderr) == (141, b'')


def test_output_that_is_flushed_at_the_end() -> None:
    script = ('from edge_trt_ros.cli._command import run_command\n'
              'run_command(lambda: print("a line"))')
    with subprocess.Popen([sys.executable, '-c', f'import time; time.sleep(0.3)\n{script}'],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout and started.stderr
        started.stdout.close()
        assert (started.stderr.read(), started.wait()) == (b'', 141)


def test_another_pipe_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise BrokenPipeError(32, 'Broken pipe')
    with pytest.raises(SystemExit) as caught:
        _command.run_command(work)
    assert caught.value.code == 1 and 'Broken pipe' in capsys.readouterr().err
