# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""TensorRT engines: frames in a CUDA graph, frames in flight, stage times and memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.engines import open_tensorrt, THRESHOLDS
from support.frames import noise_frame
from support.gpu import built, GPU_MARKS
from support.models import dense_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.vision.matching import match_detections

pytestmark = GPU_MARKS


def test_cuda_graph_matches_plain_launches(gpu_engine: Path) -> None:
    plan, manifest = read_engine(gpu_engine)
    with open_tensorrt(plan, manifest) as graph, \
            open_tensorrt(plan, manifest, use_graph=False) as plain:
        for seed, size_wh in enumerate(((160, 90), (640, 480), (33, 7))):
            frame = noise_frame(size_wh, seed)
            first, second = (runtime.collect(runtime.submit(frame)) for runtime in (graph, plain))
            for name, value in first.items():
                np.testing.assert_array_equal(value, second[name])
        assert graph.why_no_graph == '' and plain.why_no_graph == 'not asked for'


def test_tensorrt_agrees_with_onnxruntime(tmp_path: Path) -> None:
    # Small weights: boxes thinner than a rounding error would not overlap.
    engine = built(dense_model((96, 64), weight=1.0), tmp_path)
    build_engine(engine.with_name('m.onnx'), tmp_path / 'cpu.engine',
                 BuildOptions(backend='onnxruntime'))
    with open_runtime(engine).runtime as gpu, open_runtime(tmp_path / 'cpu.engine').runtime as cpu:
        pairs = [tuple(detect(runtime, noise_frame((160, 90), seed), THRESHOLDS)[0]
                       for runtime in (cpu, gpu)) for seed in range(5)]
    # TF32 has 10 mantissa bits: another of two similar boxes may be kept, and a score may cross
    # the threshold.
    agreement = match_detections(pairs)
    assert agreement.expected > 20 and agreement.f1 > 0.95, agreement
    assert agreement.score_drift < 0.005, agreement


def test_stage_times_and_memory_are_reported(gpu_engine: Path) -> None:
    with open_runtime(gpu_engine).runtime as runtime:
        _, stages_ms = detect(runtime, noise_frame(), THRESHOLDS)
        parts = [stages_ms[name] for name in ('preprocess', 'network', 'head', 'download')]
        assert stages_ms['upload'] > 0
        assert min(parts) >= 0 and 0 < sum(parts) <= stages_ms['gpu'] * 1.01
        assert {'copy', 'submit', 'wait', 'postprocess'} <= set(stages_ms)
        memory = runtime.memory_mb()
        assert 0 < memory['gpu_memory_used_mb'] < memory['gpu_memory_total_mb']


def test_camera_changes_its_resolution(gpu_engine: Path) -> None:
    sizes = [(160, 90), (320, 240), (64, 48), (1920, 1080)]
    with open_runtime(gpu_engine).runtime as runtime:
        alone = {}
        for size_wh in sizes:
            with open_runtime(gpu_engine).runtime as fresh:
                alone[size_wh] = detect(fresh, noise_frame(size_wh), THRESHOLDS)[0]
        for index in range(40):
            size_wh = sizes[index // 3 % len(sizes)]
            found, _ = detect(runtime, noise_frame(size_wh), THRESHOLDS, slot=index % 2)
            np.testing.assert_array_equal(found.boxes_xyxy, alone[size_wh].boxes_xyxy)
