# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Commands with manifests of schema 1, contradictory manifests, plans and FIFOs."""

from __future__ import annotations

from collections.abc import Callable
import json
import os
from pathlib import Path
import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.manifest import manifest_path


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    """Run a command; return its stdout and stderr."""
    done = subprocess.run([sys.executable, '-m', 'edge_trt_ros', *map(str, arguments)],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


@pytest.fixture
def engine(tmp_path: Path) -> Path:
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine', BuildOptions())
    return tmp_path / 'm.engine'


def change_manifest(engine: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest of an engine."""
    document = json.loads(manifest_path(engine).read_text())
    change(document)
    manifest_path(engine).write_text(json.dumps(document))


def as_schema_1(document: dict[str, Any]) -> None:
    """Convert a manifest to schema 1, as version 0.1.0 wrote it."""
    plan, (image,) = document.pop('plan'), document.pop('input_kinds')
    del document['decoding'], image['kind'], image['tensor']
    document |= {
        'schema_version': 1, 'source_onnx_sha256': document.pop('onnx_sha256'),
        'cache_key': document.pop('plan_key'), 'source_head': document['head'],
        'head': document.pop('decoder'), 'input_contract': {'layout': 'nchw', **image},
        'recipe': {**plan['options'], 'calibration_sha256': plan['calibration_sha256']}}


def test_engine_with_a_manifest_of_schema_1_runs(engine: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / 'a.png'), noise_frame().pixels)
    command = ('detect', engine, tmp_path / 'a.png', '--confidence', 0.1)
    expected = json.loads(run(*command)[0])['detections']
    change_manifest(engine, as_schema_1)
    assert json.loads(run(*command)[0])['detections'] == expected != []
    manifest = json.loads(run('inspect_engine', engine, '--json')[0])['manifest']
    assert (manifest['schema_version'], manifest['head'], manifest['decoder']) == (
        2, 'yolo_dense', 'candidates')
    assert manifest['plan']['options']['precision'] == 'fp32'


@pytest.mark.parametrize('values', [{'size_wh': [8, 8]}, {'tensor': 'pixels'}, {'kind': 'sound'}])
def test_contradictory_manifest_is_rejected_with_one_sentence(
        engine: Path, values: dict[str, Any]) -> None:
    change_manifest(engine, lambda document: document['input_kinds'][0].update(values))
    out, error = run('inspect_engine', engine, status=1)
    assert out == '' and 'rebuild the engine' in error and 'Traceback' not in error
    assert len(error.strip().splitlines()) == 1


def test_check_prints_the_plan_and_builds_nothing(tmp_path: Path) -> None:
    onnx = save(dense_model(), tmp_path / 'm.onnx')
    assert 'can be built: plan ' in run('build_engine', onnx, '--check')[0]
    plan = json.loads(run('build_engine', onnx, '--check', '--json')[0])['plan']
    assert plan['options']['precision'] == 'fp32' and len(plan['key']) == 64
    out, _ = run('build_engine', onnx, '--check', '--task', 'pose', status=1)
    assert 'refused: ' in out
    assert list(tmp_path.iterdir()) == [onnx]


@pytest.mark.parametrize('arguments', [
    ('inspect_engine', 'FIFO'), ('build_engine', 'FIFO', '--check'), ('detect', 'FIFO', 'a.png')])
def test_fifo_is_rejected_with_one_sentence(arguments: tuple[str, ...], tmp_path: Path) -> None:
    fifo = tmp_path / 'fifo.onnx' if arguments[0] == 'build_engine' else tmp_path / 'fifo.engine'
    os.mkfifo(fifo)
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((8, 8, 3), np.uint8))
    out, error = run(*(fifo if text == 'FIFO' else text for text in arguments), status=1)
    assert 'a FIFO' in out + error and 'Traceback' not in error
