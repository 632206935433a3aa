# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page of a benchmark has the figures of its JSON."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys
from typing import Any

import pytest
from support.html import Page

from edge_trt_ros.benchmark.report_page import write_report_page
from edge_trt_ros.demo.detector.model import MODEL_PATH

STAGES = {stage: {'p50': 1.5, 'p95': 2.0, 'p99': 2.25} for stage in ('network', 'gpu')}
ENGINE = {'device': '<script>alert(1)</script>', 'memory_mb': {'host': 12.5},
          'stages_ms': STAGES, 'bytes_to_results_curve_ms': [float(i) for i in range(101)]}


@pytest.fixture(scope='module')
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Page]:
    """Measure the demo's detector."""
    path = tmp_path_factory.mktemp('page') / 'benchmark.html'
    done = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'benchmark', str(MODEL_PATH), '--frames', '20',
         '--backend', 'onnxruntime', '--source', '320x180', '--json', '--html', str(path)],
        capture_output=True, text=True, timeout=100)
    assert done.returncode == 0 and done.stderr == '', done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report, Page(path)


def test_page_has_the_figures_of_the_json(measured: tuple[dict[str, Any], Page]) -> None:
    report, page = measured
    engine = report['engine']
    for figures in engine['stages_ms'].values():
        assert {f'{figures[name]:.3f}' for name in ('p50', 'p95', 'p99')} <= set(page.texts)
    for name in ('device', 'precision', 'engine_sha256', 'frames_per_second_2_in_flight'):
        assert str(engine[name]) in page.texts
    assert {str(value) for value in report['machine'].values() if value != ''} <= set(page.texts)


def test_curve_agrees_with_the_percentiles(measured: tuple[dict[str, Any], Page]) -> None:
    engine = measured[0]['engine']
    curve = engine['bytes_to_results_curve_ms']
    assert len(curve) == 101 and curve == sorted(curve)
    assert {f'p{percent}': curve[percent] for percent in (50, 95, 99)} == \
        engine['stages_ms']['bytes_to_results']
    assert measured[1].tags.count('polyline') == 1


def test_page_with_all_parts(tmp_path: Path) -> None:
    curve = ENGINE['bytes_to_results_curve_ms']
    write_report_page(tmp_path / 'a.html', {
        'machine': {'date': '2026', 'gpu': 'NVIDIA H200'},
        'engine': {**ENGINE, 'without_graph': ENGINE},
        'node': {'latency_curve_ms': curve, 'stages_ms': STAGES, 'start_s': {'first': 1.25}},
        'transport': {'latency_curve_ms': curve, 'lost': 3},
        'soak': {'rss_mb': 200.5, 'rss_curve_mb': [[30.0, 199.0], [31.0, 200.5]]}})
    page = Page(tmp_path / 'a.html')
    assert page.tags.count('polyline') == 5 and 'script' not in page.tags
    assert {'Engine', 'Inference node', 'Transport of images', 'Machine', '1.25', '3', '200.5',
            'launched call by call', '<script>alert(1)</script>'} <= set(page.texts)


def test_page_of_a_node_without_detections(tmp_path: Path) -> None:
    write_report_page(tmp_path / 'a.html', {'machine': {}, 'node': {
        'lost': 90, 'latency_curve_ms': [0.0] * 101, 'stages_ms': {}}})
    assert '90' in Page(tmp_path / 'a.html').texts
