"""The bar of a build as somebody at a terminal sees it."""

from __future__ import annotations

import os
from pathlib import Path
import pty
import sys
from time import monotonic

from support.image_folder import image_folder

from edge_trt_ros.demo.detector.model import MODEL_PATH


def test_the_bar_moves_every_second(tmp_path: Path) -> None:
    images = image_folder(tmp_path / 'images')
    child, terminal = pty.fork()
    if child == 0:  # on a terminal that does not tell its size, as a serial console
        os.execv(sys.executable, [
            sys.executable, '-m', 'edge_trt_ros', 'build_engine', str(MODEL_PATH), '-o',
            str(tmp_path / 'm.engine'), '--backend', 'onnxruntime', '--precision', 'int8',
            '--calibration', str(images)])
    seen, moments = b'', []
    try:
        while data := os.read(terminal, 4096):
            seen += data
            moments.append(monotonic())
    except OSError:  # how Linux tells that the other end is closed
        pass
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, seen
    assert b'calibrate' in seen or b'rank layers' in seen, seen
    assert max(after - before for before, after in zip(moments, moments[1:])) < 1.0
