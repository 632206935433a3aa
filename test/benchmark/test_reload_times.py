# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reloads under a stream of images lose no frames and mix no results."""

from __future__ import annotations

import json
from pathlib import Path
import subprocess
import sys

from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions


def test_reloads_under_a_stream(tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), engine,
                 BuildOptions(backend='onnxruntime'))
    result = subprocess.run(
        [sys.executable, '-m', 'edge_trt_ros', 'benchmark', str(engine), '--frames', '1',
         '--source', '320x240', '--reloads', '20', '--json'],
        capture_output=True, text=True, timeout=100, check=True)
    figures = json.loads(result.stdout)['reloads']
    assert figures['reloads'] == 20 and figures['images'] > 10
    assert figures['mixed_results'] == figures['outdated_results'] == 0
    # None on an idle machine.
    assert figures['lost'] <= 2, figures
    assert figures['rss_growth_percent'] < 20, figures
