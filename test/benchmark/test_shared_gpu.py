# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""One network next to another: measured in one process and in two."""

from __future__ import annotations

from pathlib import Path

from support.models import dense_model, save

from edge_trt_ros.benchmark.shared_gpu import measure_next_to
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions


def test_an_engine_next_to_another(tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), engine,
                 BuildOptions(backend='onnxruntime'))
    found = measure_next_to((engine, engine), 'auto', (160, 90), 3)
    assert list(found) == ['alone', 'one process, equal priority', 'one process, the other low',
                           'two processes, equal priority', 'two processes, the other low']
    assert found['alone']['latency_ms']['p50'] > 0
    assert all(case['other_frames_per_second'] > 0 for title, case in found.items()
               if title != 'alone')
