# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The progress bar of a build on a terminal."""

from __future__ import annotations

import os
from pathlib import Path
import pty
import sys
from time import monotonic

from support.image_folder import image_folder

from edge_trt_ros.demo.detector.model import MODEL_PATH


def test_progress_bar_is_redrawn_every_second(tmp_path: Path) -> None:
    images = image_folder(tmp_path / 'images')
    child, terminal = pty.fork()
    if child == 0:  # on a terminal without a size, like a serial console
        os.execv(sys.executable, [
            sys.executable, '-m', 'edge_trt_ros', 'build_engine', str(MODEL_PATH), '-o',
            str(tmp_path / 'm.engine'), '--backend', 'onnxruntime', '--precision', 'int8',
            '--calibration', str(images)])
    output, times_s = b'', []
    try:
        while data := os.read(terminal, 4096):
            output += data
            times_s.append(monotonic())
    except OSError:  # Linux raises EIO when the child has closed its end
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, output
    assert b'calibrate' in output or b'rank layers' in output, output
    assert max(after - before for before, after in zip(times_s, times_s[1:])) < 1.0
