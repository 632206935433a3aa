# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Adopt engines of Ultralytics' exporter, and refuse similar files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.frames import noise_frame
from support.gpu import GPU_MARKS, manifest_of, raw_engine
from support.models import dense_model, save

from edge_trt_ros.convert import adopt as module
from edge_trt_ros.convert.adopt import adopt_engine
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import EngineError, ModelError
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.matching import match_detections
from edge_trt_ros.vision.thresholds import Thresholds

HEADER = {'description': 'Ultralytics YOLOv8n model', 'task': 'detect', 'imgsz': [64, 96],
          'batch': 1, 'names': {'0': 'car', '1': 'truck', '2': 'pedestrian'}}


def with_header(engine: bytes, **changes: object) -> bytes:
    """Return an engine with Ultralytics' header before it."""
    header = json.dumps({**HEADER, **changes}).encode()
    return len(header).to_bytes(4, 'little') + header + engine


def test_engine_without_header_is_refused(tmp_path: Path) -> None:
    source = tmp_path / 'yolo.engine'
    with pytest.raises(EngineError, match='yolo.engine cannot be read: No such file'):
        adopt_engine(source, tmp_path / 'out.engine')
    for content in (b'', b'ftrt' * 100, with_header(b'engine').replace(b'"names"', b'"nomes"')):
        source.write_bytes(content)
        with pytest.raises(EngineError, match='no header of Ultralytics.*from its ONNX'):
            adopt_engine(source, tmp_path / 'out.engine')
    assert not (tmp_path / 'out.engine').exists()


def test_adopting_without_gpu_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, 'find_gpu', lambda: None)
    (tmp_path / 'yolo.engine').write_bytes(with_header(b'engine'))
    with pytest.raises(EngineError, match='adopted where it runs: there is no NVIDIA GPU'):
        adopt_engine(tmp_path / 'yolo.engine', tmp_path / 'out.engine')


def test_manifest_contains_the_header_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = {'output0': (1, 7, 126)}
    monkeypatch.setattr(module, '_tensors', lambda plan, library: (
        (TensorSpec('images', 'float32', (1, 3, 64, 96)),),
        tuple(TensorSpec(name, 'float32', shape) for name, shape in shapes.items())))
    library = TensorRt('tensorrt', '10.3.0', None)
    manifest = module._manifest(with_header(b'engine'), HEADER, library, {})
    assert (manifest.head, manifest.task, manifest.labels) == (
        'yolo_dense', 'detect', ('car', 'truck', 'pedestrian'))
    assert manifest.image_input.size_wh == (96, 64)
    shapes['output0'] = (1, 7, 125)
    with pytest.raises(ModelError, match='not known'):
        module._manifest(with_header(b'engine'), HEADER, library, {})


class TestOnTheGpu:
    """Tests with an engine that TensorRT builds on this machine."""

    pytestmark = GPU_MARKS

    def test_adopted_engine_matches_its_onnx(self, tmp_path: Path) -> None:
        model = dense_model((96, 64), weight=1.0)
        build_engine(save(model, tmp_path / 'm.onnx'), tmp_path / 'cpu.engine',
                     BuildOptions(backend='onnxruntime'))
        engine, _ = raw_engine(model, manifest_of(tmp_path / 'cpu.engine'), (96, 64))
        (tmp_path / 'yolo.engine').write_bytes(with_header(engine))
        manifest = adopt_engine(tmp_path / 'yolo.engine', tmp_path / 'out.engine')
        assert manifest.labels == ('car', 'truck', 'pedestrian')
        assert manifest.head == 'yolo_dense'
        with open_runtime(tmp_path / 'out.engine').runtime as adopted, \
                open_runtime(tmp_path / 'cpu.engine').runtime as cpu:
            frames = [noise_frame((160, 90), seed) for seed in range(3)]
            matches = match_detections((detect(cpu, frame, Thresholds(0.1))[0],
                                        detect(adopted, frame, Thresholds(0.1))[0])
                                       for frame in frames)
        assert matches.expected > 20 and matches.f1 > 0.95, matches
        assert np.isfinite(matches.score_drift), matches

    def test_broken_engine_is_not_installed(self, tmp_path: Path) -> None:
        (tmp_path / 'yolo.engine').write_bytes(with_header(b'ftrt' * 100))
        with pytest.raises(EngineError, match='cannot load this engine'):
            adopt_engine(tmp_path / 'yolo.engine', tmp_path / 'out.engine')
        assert not (tmp_path / 'out.engine').exists()
