# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Builds: appended heads, stale engines, failed builds and their effect on the old engine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from support.building import build_in_memory, head_of, leftovers, raw_outputs
from support.frames import noise_frame
from support.models import anchors_model, dense_model, end_to_end_model, save

from edge_trt_ros.convert import plan as planning
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError, ModelError
from edge_trt_ros.opening import open_network
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.thresholds import Thresholds

OPTIONS = BuildOptions()


@pytest.mark.parametrize('model, head', [
    (dense_model((96, 64)), 'candidates'),
    (dense_model((64, 64), classes=1), 'candidates'),
    (dense_model((64, 64), classes=1200), 'candidates'),
    (dense_model((64, 64), opset=13), 'candidates'),
    (anchors_model(), 'candidates'),
    (anchors_model((96, 64), classes=1), 'candidates'),
    (end_to_end_model(), 'candidates_final'),
])
def test_device_and_host_decoding_agree(tmp_path: Path, model: object, head: str) -> None:
    path = save(model, tmp_path / 'm.onnx')  # type: ignore[arg-type]
    built = build_in_memory(path, OPTIONS)
    assert built.manifest.decoder == head
    build_engine(path, tmp_path / 'm.engine', OPTIONS)
    thresholds, found_head = Thresholds(confidence=0.3), head_of(path)
    with open_network(tmp_path / 'm.engine').runtime as runtime:
        for seed in range(5):
            frame = noise_frame((150 + seed, 91), seed)
            raw, letterbox = raw_outputs(path, built.manifest, frame)
            expected = found_head.decode(raw, letterbox, thresholds)
            found, _ = detect(runtime, frame, thresholds)
            assert len(expected) == len(found)
            np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)
            np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
            np.testing.assert_array_equal(found.class_ids, expected.class_ids)


def test_builds_are_reproducible(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    assert build_in_memory(path, OPTIONS).engine == build_in_memory(path, OPTIONS).engine


def test_only_stale_engines_are_rebuilt(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'sub' / 'm.engine'
    _, reason = build_engine(path, engine, OPTIONS)
    assert reason == 'there was no engine yet'
    before = engine.stat().st_mtime_ns
    manifest, reason = build_engine(path, engine, OPTIONS)
    assert (reason, engine.stat().st_mtime_ns) == ('', before)
    assert build_engine(path, engine, OPTIONS, force=True)[1] == 'asked for'
    fewer = BuildOptions(max_candidates=10)
    assert 'max_candidates is 1000 in the engine and 10 now' in why_stale(engine, path, fewer)
    save(dense_model(weight=3.0), path)
    assert 'has changed' in why_stale(engine, path, OPTIONS)
    engine.write_bytes(engine.read_bytes()[:-1])
    assert 'truncated' in why_stale(engine, path, OPTIONS)
    assert build_engine(path, engine, OPTIONS)[0].engine_sha256 != manifest.engine_sha256
    assert leftovers(engine.parent) == []


def test_failed_build_keeps_the_old_engine(tmp_path: Path) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    build_engine(path, engine, OPTIONS)
    old = read_engine(engine)
    path.write_bytes(b'garbage')
    with pytest.raises(ModelError):
        build_engine(path, engine, OPTIONS)
    assert read_engine(engine) == old and leftovers(tmp_path) == []


def test_engine_that_returns_nan_is_not_installed(tmp_path: Path) -> None:
    model = dense_model()
    sigmoid = next(node for node in model.graph.node if node.op_type == 'Sigmoid')
    sigmoid.op_type = 'Log'  # its inputs include negative values
    path = save(model, tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='not fit for use'):
        build_engine(path, tmp_path / 'm.engine', OPTIONS)
    assert not (tmp_path / 'm.engine').exists()


def test_engine_that_differs_from_its_onnx_is_not_installed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    other = save(dense_model(weight=3.5), tmp_path / 'other.onnx')
    fuse = planning.fuse
    monkeypatch.setattr(planning, 'fuse', lambda checked, head, kept: fuse(
        check_onnx(other), head, kept))
    with pytest.raises(BuildError, match='not installed'):
        build_engine(path, tmp_path / 'm.engine', OPTIONS)


def test_the_engine_never_replaces_its_onnx(tmp_path: Path) -> None:
    path = save(dense_model(), tmp_path / 'm.onnx')
    with pytest.raises(BuildError, match='is the ONNX file itself'):
        build_engine(path, path, OPTIONS)


def test_too_small_disk_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, engine = save(dense_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    nearly_full = SimpleNamespace(free=path.stat().st_size)
    monkeypatch.setattr('shutil.disk_usage', lambda folder: nearly_full)
    with pytest.raises(BuildError, match='MB left, but the engine may take'):
        build_engine(path, engine, OPTIONS)
    assert not engine.exists() and leftovers(tmp_path) == []


def test_external_weights_count_as_disk_space(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / 'm.onnx'
    onnx.save(dense_model(classes=200), str(path), save_as_external_data=True,
              location='m.weights', size_threshold=0)
    weights = (tmp_path / 'm.weights').stat().st_size
    monkeypatch.setattr('shutil.disk_usage', lambda folder: SimpleNamespace(
        free=2 * path.stat().st_size + weights))
    with pytest.raises(BuildError, match='MB left, but the engine may take'):
        build_engine(path, tmp_path / 'm.engine', OPTIONS)
