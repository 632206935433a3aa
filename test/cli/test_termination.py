# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A command that SIGTERM ends has the status 143, whatever the signal interrupts."""

from __future__ import annotations

import os
from pathlib import Path
import signal
import subprocess
import sys
from time import sleep

import pytest
from support.image_folder import image_folder

from edge_trt_ros.demo.detector.model import MODEL_PATH

# `make test-signals` sets a larger number.
MOMENTS = int(os.environ.get('EDGE_TRT_ROS_SIGNALS', 3))

# pybind11 does this if the signal comes while it initialises a module.
BROKEN_IMPORT = """
import signal
from edge_trt_ros.cli._command import run_command
from edge_trt_ros.errors import MissingLibraryError
def work():
    try:
        signal.raise_signal(signal.SIGTERM)
    except SystemExit as error:
        raise {kind}('initialization failed') from error
run_command(work)
"""


@pytest.mark.parametrize('kind', ['ImportError', 'RuntimeError', 'OSError', 'MissingLibraryError'])
def test_an_error_that_the_signal_causes_is_not_reported(kind: str) -> None:
    done = subprocess.run([sys.executable, '-c', BROKEN_IMPORT.format(kind=kind)],
                          capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (143, '')


@pytest.mark.parametrize('moment', range(MOMENTS))
def test_a_signal_at_any_time(tmp_path: Path, moment: int) -> None:
    images = image_folder(tmp_path / 'images', 30)
    started = subprocess.Popen(
        [sys.executable, '-m', 'edge_trt_ros', 'detect', str(MODEL_PATH), str(images),
         '--backend', 'onnxruntime'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    sleep(0.1 + 1.2 * moment / MOMENTS)
    started.terminate()
    _, errors = started.communicate(timeout=60)
    # Python itself needs a moment until a signal is handled; the last ones may come too late.
    assert started.returncode in (143, -signal.SIGTERM, 0) and 'Traceback' not in errors
