# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Exports of real exporters give what the exporters' own predictors give.

`make test-exports` runs this; the largest differences and the date go into the documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
import json
import os
from pathlib import Path
import subprocess
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pytest
from support.building import head_of, raw_outputs
from support.exporters.agreement import agreement, LIMITS, scores_agreement
from support.exporters.cases import Case, CASES

from edge_trt_ros.convert.build import build
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.errors import BuildError
from edge_trt_ros.runtime.pipeline import infer
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.runtime.select import open_engine
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.vision.thresholds import Thresholds

PYTHON = os.environ.get('EXPORTERS_PYTHON', '')
FIGURES = Path(__file__).parents[2] / 'doc' / 'data' / 'tested_exports.json'
THRESHOLDS = Thresholds(0.25, 0.7, 300)
pytestmark = [
    pytest.mark.skipif(not PYTHON, reason='no exporters: `make test-exports` runs this'),
    pytest.mark.timeout(600)]


@pytest.fixture(scope='session')
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a folder for each case; the exporters run once."""
    folder = Path(os.environ.get('EXPORTS_FOLDER') or tmp_path_factory.mktemp('exports'))
    environment = {**os.environ, 'PYTHONPATH': str(Path(__file__).parents[1]),
                   'YOLO_AUTOINSTALL': 'false', 'HF_HUB_OFFLINE': '1'}
    for exporter in sorted({case.exporter for case in CASES.values()}):
        missing = [case.name for case in CASES.values() if case.exporter == exporter
                   and not (folder / case.name / 'about.json').exists()]
        if missing:
            subprocess.run([PYTHON, '-m', 'support.exporters.run', exporter, str(folder),
                            *missing], env=environment, cwd=folder, check=False)
    return folder


@pytest.fixture(scope='session')
def figures() -> Iterator[dict[str, Any]]:
    """Collect the figures of the cases that pass; write them at the end."""
    collected: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    yield collected
    known = {name: collected[name] for name in sorted(collected) if name in CASES}
    FIGURES.write_text(json.dumps(known, indent=1) + '\n')


def opened(case: Case, exported: Path) -> tuple[Path, dict[str, Any], dict[str, NDArray[Any]]]:
    folder = exported / case.name
    failure = folder / 'failed.txt'
    if not (folder / 'about.json').exists():
        reason = failure.read_text() if failure.exists() else 'the exporter did not start'
        if 'ModuleNotFoundError' in reason:
            pytest.skip(f'{case.exporter} is not installed: {reason.splitlines()[-1]}')
        pytest.fail(reason)
    with np.load(folder / 'expected.npz') as arrays:
        return folder / 'model.onnx', json.loads((folder / 'about.json').read_text()), {
            name: arrays[name] for name in arrays.files}


def options_of(case: Case, about: dict[str, Any], **more: str) -> BuildOptions:
    return BuildOptions(task=case.task, labels=tuple(about.get('labels', ())),
                        input_contract=about.get('input_contract', ''), **more)


@pytest.mark.parametrize('name', CASES)
def test_results_match_the_predictor(name: str, exported: Path, figures: dict[str, Any]) -> None:
    case = CASES[name]
    path, about, expected = opened(case, exported)
    built = build(plan_build(path, options_of(case, about, backend='onnxruntime')))
    assert built.manifest.head == case.head
    frames = [Frame(image, 'bgr8', (image.shape[1], image.shape[0]))
              for image in expected['pictures']]
    with open_engine(built.engine, built.manifest).runtime as runtime:
        results = [infer(runtime, frame, THRESHOLDS)[0] for frame in frames]
    head = head_of(path, options_of(case, about))
    raw, letterbox = raw_outputs(path, built.manifest, frames[0])
    on_host = head.decode(raw, letterbox, THRESHOLDS)
    if 'scores' in expected and expected['scores'].ndim == 2:
        found = scores_agreement(results, expected['scores'])
        np.testing.assert_array_equal(on_host.class_ids, results[0].class_ids)
    else:
        found = agreement(results[0], expected, THRESHOLDS.confidence)
        assert agreement(on_host, expected, THRESHOLDS.confidence) == pytest.approx(
            found, abs=1e-3)
    assert found['objects'] > 3
    # Random networks in half precision: the last bit of a pixel moves boxes by 30 pixels, so only
    # what has a pair is compared.
    limits = {'box_px': 2.0, 'score': 0.02, 'mask_iou': 0.1, 'other_classes': 5} \
        if case.options.get('half') else LIMITS
    if case.head == 'yolo_oriented':  # its predictor's NMS is not greedy
        limits = {**limits, 'unmatched': max(2, limits.get('unmatched', np.inf))}
    too_large = {key: value for key, value in found.items() if value > limits.get(key, np.inf)}
    assert not too_large, found
    figures[name] = {
        'exporter': case.exporter, 'version': about['version'], 'network': case.network,
        'task': built.manifest.task, 'head': case.head, 'options': about['options'],
        'date': date.today().isoformat(),
        'differences': {key: float(f'{value:.2g}') for key, value in found.items()}}


@pytest.mark.skipif(not installed_tensorrt(), reason='neither tensorrt nor tensorrt_rtx is here')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@pytest.mark.parametrize('name', CASES)
def test_tensorrt_builds_it(name: str, precision: str, exported: Path) -> None:
    case = CASES[name]
    path, about, _ = opened(case, exported)
    options = options_of(case, about, backend=installed_tensorrt(), precision=precision)
    if case.missing and installed_tensorrt() == 'tensorrt_rtx':
        with pytest.raises(BuildError, match=case.missing):
            plan_build(path, options)
        return
    built = build(plan_build(path, options))
    assert built.manifest.head == case.head and built.manifest.backend == installed_tensorrt()
