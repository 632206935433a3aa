# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines and manifests that version 0.1.0 wrote load and run; their manifests have schema 1."""

from __future__ import annotations

from dataclasses import asdict
import json
from pathlib import Path
import shutil

import numpy as np
import pytest
from support.building import decoded_on_the_host
from support.frames import noise_frame
from support.models import LABELS, save
from support.task_models import segment_model

from edge_trt_ros.cli import verify_engine
from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.graph.check import check_onnx
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.engine_file import read_engine, read_manifest
from edge_trt_ros.errors import ManifestError
from edge_trt_ros.files import sha256_hex
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.network_input import ImageInput, TextInput
from edge_trt_ros.runtime.onnxruntime_cpu import VERSION
from edge_trt_ros.runtime.pipeline import detect, infer
from edge_trt_ros.runtime.select import open_engine, open_runtime
from edge_trt_ros.vision.thresholds import Thresholds

OLD = Path(__file__).resolve().parent / 'engines_0_1_0'
OPTIONS = BuildOptions(backend='onnxruntime')


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    """Return a copy of the engines, so that no test changes them."""
    return Path(shutil.copytree(OLD, tmp_path / 'engines'))


def test_the_files_are_those_of_schema_1() -> None:
    for path in OLD.glob('*.json'):
        if path.name != 'tokenizer.json':
            stored = json.loads(path.read_text())
            assert stored['schema_version'] == 1 and 'input_contract' in stored


def test_a_detector_runs(folder: Path) -> None:
    engine = folder / 'detector.engine'
    manifest = read_engine(engine)[1]
    assert (manifest.head, manifest.decoder, manifest.task) == (
        'yolo_dense', 'candidates', 'detect')
    assert manifest.labels == LABELS and manifest.head_runs_in == 'engine'
    assert manifest.input_kinds == (ImageInput((96, 64)),)
    assert manifest.options['precision'] == 'fp32'
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.3)
    with open_runtime(engine).runtime as runtime:
        found, _ = detect(runtime, frame, thresholds)
    expected = decoded_on_the_host(folder / 'detector.onnx', manifest, frame, thresholds)
    assert len(found) == len(expected) > 2
    np.testing.assert_allclose(found.boxes_xyxy, expected.boxes_xyxy, atol=1e-3)


def test_a_text_network_with_joined_tokens_runs(folder: Path) -> None:
    pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    from support.text_models import expected_scores

    from edge_trt_ros.runtime.text_preprocess import TextTokens
    engine = folder / 'text.engine'
    with open_runtime(engine).runtime as runtime:
        text_input = runtime.manifest.text_input
        assert isinstance(text_input, TextInput)
        assert (text_input.length, text_input.parts) == (12, {'tokens': 'stacked'})
        tokens = TextTokens(text_input)
        for text, ids in (('stop now please', [2, 4, 8, 9, 3]), ('go left', [2, 5, 6, 3])):
            result, _ = infer(runtime, tokens.sample(text), Thresholds())
            scores = expected_scores(ids)
            assert result.class_ids[0] == scores.argmax()
            np.testing.assert_allclose(result.scores, np.sort(scores)[::-1], atol=1e-4)


@pytest.mark.parametrize('name, measured', [('detector', 'boxes'), ('text', 'agreement')])
def test_they_are_verified_against_their_onnx(name: str, measured: str, folder: Path,
                                              capsys: pytest.CaptureFixture[str],
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    if name == 'text':
        pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')
    monkeypatch.setattr('sys.argv', ['verify_engine', str(folder / f'{name}.engine'), '--json'])
    with pytest.raises(SystemExit) as ended:
        verify_engine.main()
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)[measured]


def test_an_engine_is_fresh_until_something_changes(folder: Path) -> None:
    engine, onnx_path = folder / 'detector.engine', folder / 'detector.onnx'
    if read_engine(engine)[1].backend_version == VERSION:
        assert why_stale(engine, onnx_path, OPTIONS) == ''
    clauses = why_stale(engine, onnx_path, BuildOptions(backend='onnxruntime', precision='fp16'))
    assert "precision is 'fp32' in the engine and 'fp16' now" in clauses
    manifest, reason = build_engine(onnx_path, engine, OPTIONS, force=True)
    assert reason and json.loads(manifest_path(engine).read_text())['schema_version'] == 2
    assert read_engine(engine)[1] == manifest


def test_adopted_segmentation_engine_is_decoded_on_the_host(tmp_path: Path) -> None:
    path = save(segment_model(), tmp_path / 'm.onnx')
    checked = check_onnx(path)
    stored = json.loads((OLD / 'detector.engine.json').read_text())
    stored['input_contract']['size_wh'] = [64, 64]
    engine = checked.model.SerializeToString()
    manifest = manifest_from_json(json.dumps({
        **stored, 'head': 'yolo_segment', 'source_head': 'yolo_segment', 'task': 'segment',
        'engine_sha256': sha256_hex(engine), 'engine_size_bytes': len(engine),
        'inputs': [asdict(spec) for spec in checked.inputs],
        'outputs': [asdict(spec) for spec in checked.outputs]}), 'here')
    assert manifest.head_runs_in == 'runtime'
    frame, thresholds = noise_frame((150, 91), 3), Thresholds(0.1)
    with open_engine(engine, manifest).runtime as runtime:
        found, _ = infer(runtime, frame, thresholds)
    expected = decoded_on_the_host(path, manifest, frame, thresholds)
    assert len(found.detections) == len(expected.detections) > 0
    np.testing.assert_array_equal(found.instance_map, expected.instance_map)


def test_an_upgraded_manifest_is_written_as_schema_2() -> None:
    for name in ('detector', 'text'):
        manifest = read_manifest(OLD / f'{name}.engine')
        assert manifest_from_json(manifest.to_json(), 'upgraded') == manifest
        assert json.loads(manifest.to_json())['schema_version'] == 2


@pytest.mark.parametrize('change, match', [
    ({'input_contract': {'size_wh': [10 ** 9, 64]}}, 'size_wh of the image input'),
    ({'input_contract': {'size_wh': [64, 96]}}, 'image input fills'),
    ({'input_contract': {}}, 'malformed'), ({'input_contract': 7}, 'malformed'),
    ({'recipe': [1]}, 'malformed'), ({'target': None}, 'malformed'), ({'inputs': []}, 'malformed'),
    ({'source_head': 5}, 'malformed')])
def test_contradictions_of_schema_1(change: dict[str, object], match: str) -> None:
    stored = json.loads((OLD / 'detector.engine.json').read_text())
    if isinstance(change.get('input_contract'), dict) and change['input_contract']:
        change = {'input_contract': {**stored['input_contract'], **change['input_contract']}}
    with pytest.raises(ManifestError, match=match) as refused:
        manifest_from_json(json.dumps({**stored, **change}), 'here')
    assert '\n' not in str(refused.value)
