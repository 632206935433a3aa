# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines that are built from Python, with options as keywords."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from support.models import dense_model, save

from edge_trt_ros import build_engine, open_model
from edge_trt_ros.api.build import _build_options, BuildKeywords
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import BuildError, ConfigurationError, ModelError
from edge_trt_ros.settings import settings_of


@pytest.fixture()
def path(tmp_path: Path) -> Path:
    return save(dense_model(), tmp_path / 'm.onnx')


def test_an_engine_is_built_once(path: Path) -> None:
    phases: list[tuple[str, float]] = []
    engine = path.with_suffix('.engine')
    first = build_engine(str(path), str(engine), backend='onnxruntime',
                         progress=lambda phase, fraction: phases.append((phase, fraction)))
    assert first.labels == ('car', 'truck', 'pedestrian') and first.verification['boxes']
    assert phases[0] == ('check', 0.0) and phases[-1] == ('done', 1.0)
    assert build_engine(path, engine, backend='onnxruntime') == first
    again = build_engine(path, engine, backend='onnxruntime', force=True)
    assert again.engine_sha256 == first.engine_sha256
    other = build_engine(path, engine, backend='onnxruntime', max_candidates=10)
    assert other.options['max_candidates'] == 10
    with open_model(engine) as model:
        assert model.manifest == other


def test_the_keywords_are_the_build_options() -> None:
    hints = get_type_hints(BuildKeywords)
    options = {option.name: option for option in settings_of(BuildOptions)}
    assert list(hints) == list(options)
    for name, hint in hints.items():
        option = options[name]
        if option.choices and name != 'task':
            assert set(get_args(hint)) == set(option.choices), name
        elif isinstance(option.default, (bool, int, float)):
            assert hint is type(option.default), name


@pytest.mark.parametrize('given, expected', [
    ({'input_shape': [1, 3, 64, 96]}, {'input_shape': (1, 3, 64, 96)}),
    ({'input_shape': '1x3x64x96'}, {'input_shape': (1, 3, 64, 96)}),
    ({'labels': ['a', 'b']}, {'labels': ('a', 'b')}),
    ({'anchors_wh': '12,16'}, {'anchors_wh': (12.0, 16.0)}),
    ({'calibration': Path('/photos')}, {'calibration': '/photos'}),
    ({'input_contract': {'scale': 1.0}}, {'input_contract': '{"scale": 1.0}'}),
    ({'max_accuracy_drop': 0}, {'max_accuracy_drop': 0}),
    ({'compute_capabilities': ['8.6']}, {'compute_capabilities': ('8.6',)})])
def test_values(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _build_options(given) == BuildOptions(**expected)


def test_labels_from_a_file(tmp_path: Path) -> None:
    (tmp_path / 'labels.txt').write_text('a\nb\n')
    for labels in (tmp_path / 'labels.txt', str(tmp_path / 'labels.txt')):
        assert _build_options({'labels': labels}).labels == ('a', 'b')


@pytest.mark.parametrize('given, match', [
    ({'precision': 'fp12'}, "precision is 'fp12', expected one of fp32, fp16"),
    ({'precision': 16}, 'precision is 16, expected a text'),
    ({'max_candidates': 'many'}, "max_candidates is 'many', expected a whole number"),
    ({'max_candidates': 0}, 'max_candidates is 0, expected 1 to'),
    ({'compute_capabilities': '8.6'}, "compute_capabilities is '8.6', expected a list"),
    ({'labels': 'none.txt'}, 'labels_file_path none.txt cannot be read')])
def test_invalid_values(given: dict[str, Any], match: str, path: Path) -> None:
    with pytest.raises(ConfigurationError, match=match):
        build_engine(path, path.with_suffix('.engine'), **given)
    assert not path.with_suffix('.engine').exists()


def test_errors(path: Path) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'precison', expected back"):
        build_engine(path, 'm.engine', precison='fp16')  # type: ignore[call-arg]
    with pytest.raises(ModelError, match='there is no ONNX file'):
        build_engine(path.with_name('none.onnx'), path.with_suffix('.engine'))
    with pytest.raises(BuildError, match='give the engine another path'):
        build_engine(path, path)


def test_progress_can_stop_a_build(path: Path) -> None:
    def stop(phase: str, fraction: float) -> None:
        if fraction > 0.3:
            raise KeyboardInterrupt
    engine = path.with_suffix('.engine')
    with pytest.raises(KeyboardInterrupt):
        build_engine(path, engine, backend='onnxruntime', progress=stop)
    assert [file.name for file in path.parent.iterdir()] == ['m.onnx']
