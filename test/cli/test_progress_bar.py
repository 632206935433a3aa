# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The progress bars of commands on a terminal."""

from __future__ import annotations

import json
import os
from pathlib import Path
import pty
import sys
from time import monotonic

import pytest
from rosbags.rosbag2 import StoragePlugin
from support.image_folder import image_bag, image_folder

from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.sources.sample_images import SAMPLE_IMAGES


MODEL = str(MODEL_PATH)


def on_terminal(*arguments: str, stdout: Path | None = None) -> tuple[bytes, list[float]]:
    """
    Run a command on a terminal without a size, like a serial console.

    :param stdout: file for its stdout; None for the terminal.
    :returns: what it writes to the terminal, and the times in seconds of each write.
    """
    child, terminal = pty.fork()
    if child == 0:
        if stdout is not None:
            os.dup2(os.open(stdout, os.O_WRONLY | os.O_CREAT), 1)
        os.execv(sys.executable, [sys.executable, '-m', 'edge_trt_ros', *arguments])
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
    return output, times_s


def test_progress_bar_is_redrawn_every_second(tmp_path: Path) -> None:
    images = SAMPLE_IMAGES
    output, times_s = on_terminal(
        'build_engine', MODEL, '-o', str(tmp_path / 'm.engine'), '--backend', 'onnxruntime',
        '--precision', 'int8', '--calibration', str(images))
    assert b'calibrate' in output or b'rank layers' in output, output
    assert max(after - before for before, after in zip(times_s, times_s[1:])) < 1.0


@pytest.mark.parametrize('arguments, phases', [
    (('accuracy_report', MODEL, '--images', 'IMAGES', '--backend', 'onnxruntime',
      '--precisions', 'fp32'), ('fp32: plan', 'fp32: run')),
    (('benchmark', MODEL, '--backend', 'onnxruntime', '--frames', '20', '--source', '320x180'),
     ('open', 'latency', 'throughput', 'memory')),
    (('detect_bag', MODEL, 'BAG', 'OUT', '--backend', 'onnxruntime'), ('detect 0/1 bags',))])
def test_commands_name_their_phases(arguments: tuple[str, ...], phases: tuple[str, ...],
                                    tmp_path: Path) -> None:
    image_folder(tmp_path / 'IMAGES', 2)
    image_bag(tmp_path / 'BAG', StoragePlugin.MCAP, 3)
    output, _ = on_terminal(*(str(tmp_path / text) if text.isupper() else text
                              for text in arguments))
    assert [phase for phase in phases if phase.encode() not in output] == [], output


def test_detect_shows_progress_only_beside_its_results(tmp_path: Path) -> None:
    images = str(image_folder(tmp_path / 'images', 2))
    output, _ = on_terminal('detect', MODEL, images, '--backend', 'onnxruntime',
                            stdout=tmp_path / 'results.jsonl')
    assert b'detect' in output and b'{' not in output
    results = (tmp_path / 'results.jsonl').read_text().splitlines()
    assert [Path(json.loads(line)['image']).name for line in results] == ['00.png', '01.png']
    output, _ = on_terminal('detect', MODEL, images, '--backend', 'onnxruntime')
    assert b'%' not in output and output.count(b'{"image"') == 2


def test_verify_engine_shows_progress(tmp_path: Path) -> None:
    on_terminal('build_engine', MODEL, '-o', str(tmp_path / 'm.engine'), '--backend',
                'onnxruntime')
    output, _ = on_terminal('verify_engine', str(tmp_path / 'm.engine'), '--onnx', MODEL)
    assert b'compare' in output and b'verified by' in output
