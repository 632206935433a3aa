# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A manifest that contradicts its engine is rejected with one sentence, before allocation."""

from __future__ import annotations

from collections.abc import Callable
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.frames import noise_frame
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.errors import EdgeTrtError, EngineError, ImageError, ManifestError
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.runtime import onnxruntime_cpu
from edge_trt_ros.runtime.preprocess import host_preprocess
from edge_trt_ros.runtime.samples import Tensors
from edge_trt_ros.runtime.select import open_runtime
from edge_trt_ros.tensor_input import TensorInput

TOKENIZER = '{"version": "1.0"}'


@pytest.fixture(scope='module')
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('contradictions')
    engine = folder / 'm.engine'
    build_engine(save(dense_model(), folder / 'm.onnx'), engine,
                 BuildOptions(backend='onnxruntime'))
    return engine


@pytest.fixture()
def opened_with(built: Path, tmp_path: Path) -> Callable[[dict[str, Any]], None]:
    """Return a function that opens the engine with a changed manifest."""
    def opened(changes: dict[str, Any]) -> None:
        engine = tmp_path / 'm.engine'
        engine.write_bytes(built.read_bytes())
        stored = json.loads(manifest_path(built).read_text())
        manifest_path(engine).write_text(json.dumps({**stored, **changes}))
        open_runtime(engine).runtime.close()
    return opened


def image(**fields: Any) -> dict[str, Any]:
    return {'input_kinds': [{'kind': 'image', 'size_wh': [64, 64], 'tensor': 'images', **fields}]}


def outputs(**shapes: list[int]) -> dict[str, Any]:
    return {'outputs': [{'name': name, 'dtype': 'float32', 'shape': shape}
                        for name, shape in shapes.items()]}


CONTRADICTIONS: dict[str, tuple[dict[str, Any], str]] = {
    'a huge image': (image(size_wh=[10 ** 9, 10 ** 9]), 'size_wh .* expected .* 1 to 16384'),
    'a negative image': (image(size_wh=[-1, 64]), 'size_wh'),
    'another image': (image(size_wh=[96, 64]), r'fills \[1, 3, 64, 96\]'),
    'another tensor': (image(tensor='pictures'), r"fill the tensors \['pictures'\]"),
    'the same tensor twice': ({'input_kinds': image()['input_kinds'] * 2}, 'fill the tensors'),
    'tensors of an open shape': (
        {'inputs': [{'name': 'images', 'dtype': 'float32', 'shape': [-1, -1]}],
         'input_kinds': [{'kind': 'tensor', 'tensor': 'images',
                          'fixed_shape': [1 << 20, 1 << 20]}]},
        'bytes, expected at most'),
    'tensors of no length': (
        {'inputs': [{'name': 'images', 'dtype': 'float32', 'shape': [-1]}],
         'input_kinds': [{'kind': 'tensor', 'tensor': 'images', 'fixed_shape': [-5]}]},
        'the tensor input fills'),
    'no input': ({'input_kinds': []}, 'fill the tensors'),
    'text': ({'input_kinds': [{'kind': 'text', 'length': 64, 'parts': {'images': 'ids'},
                               'tokenizer': TOKENIZER}]}, 'the text input fills'),
    'a long text': ({'input_kinds': [{'kind': 'text', 'length': 10 ** 9, 'tokenizer': TOKENIZER,
                                      'parts': {'images': 'ids'}}]}, 'length of the text input'),
    'a kind of the future': ({'input_kinds': [{'kind': 'radar'}]}, "kind of an input is 'radar'"),
    'an unknown decoder': ({'decoder': 'crystal_ball'}, "decoder is 'crystal_ball', expected"),
    'the decoder of another task': ({'decoder': 'semantic'}, "decoder is 'semantic', expected"),
    'an unknown task': ({'task': 'paint'}, "task is 'paint', expected detect"),
    'a task without this decoder': ({'task': 'classify'}, "for the task 'classify'"),
    'other outputs': (outputs(scores=[1, 9], boxes_xyxy=[1, 8, 4], class_ids=[1, 9],
                              checksum=[1]), 'expected boxes_xyxy'),
    'huge outputs': (outputs(scores=[1, 1 << 40]), 'bytes, expected at most'),
    'no output': ({'outputs': []}, 'needs inputs and outputs'),
    'an unknown backend': ({'backend': 'abacus'}, "built for 'abacus', expected"),
    'the outputs of a head on the host': (
        {'decoder': 'yolo_dense', 'decoding': {'roles': {'output': 'gone'}, 'options': {}}},
        'needs the outputs gone'),
}


@pytest.mark.parametrize('name', CONTRADICTIONS)
def test_a_contradiction_is_one_sentence_before_anything_is_loaded(
        name: str, opened_with: Callable[[dict[str, Any]], None],
        monkeypatch: pytest.MonkeyPatch) -> None:
    def loaded(*arguments: object) -> None:
        raise AssertionError('the engine was loaded')
    monkeypatch.setattr(onnxruntime_cpu.OnnxRuntimeCpu, '__init__', loaded)
    changes, match = CONTRADICTIONS[name]
    with pytest.raises((ManifestError, EngineError), match=match) as refused:
        opened_with(changes)
    assert '\n' not in str(refused.value) and 'rebuild' in str(refused.value)


def test_tensors_that_the_engine_itself_does_not_have(
        opened_with: Callable[[dict[str, Any]], None]) -> None:
    shape = [{'name': 'images', 'dtype': 'float32', 'shape': [1, 3, 32, 32]}]
    with pytest.raises(EngineError, match=r"'images' is float32\[1, 3, 64, 64\], but its manif"):
        opened_with({'inputs': shape, **image(size_wh=[32, 32])})
    fewer = outputs(scores=[1, 7], boxes_xyxy=[1, 7, 4], class_ids=[1, 7], checksum=[1])
    with pytest.raises(EngineError, match='but its manifest'):
        opened_with(fewer)


@pytest.mark.parametrize('seed', range(60))
def test_random_changes_are_rejected_or_harmless(
        seed: int, built: Path, opened_with: Callable[[dict[str, Any]], None]) -> None:
    """Random values in any field of the manifest raise only errors of this package."""
    random = np.random.default_rng(seed)
    stored = json.loads(manifest_path(built).read_text())
    odd = [None, -1, 10 ** 30, 1e308, '', 'x' * 1000, [], {}, [[]], [None], {'a': None}, True]
    name = str(random.choice(list(stored)))
    value: Any = odd[int(random.integers(len(odd)))]
    if isinstance(stored[name], list) and stored[name] and random.random() < 0.7:
        inner = dict(stored[name][0]) if isinstance(stored[name][0], dict) else {}
        if inner:
            inner[str(random.choice(list(inner)))] = value
            value = [inner, *stored[name][1:]]
    try:
        opened_with({name: value})
    except EdgeTrtError as error:
        assert '\n' not in str(error)


def test_several_tensors_are_one_sample() -> None:
    kinds = (TensorInput('points', (1, 5, 3)), TensorInput('counts', (1,), 'int64'))
    preprocess = host_preprocess(kinds)
    sample = Tensors({'points': np.ones((1, 5, 3), np.float32), 'counts': np.array([5])})
    tensors = {'points': np.zeros((1, 5, 3), np.float32), 'counts': np.zeros(1, np.int64)}
    preprocess.fill(sample, preprocess.fit(sample), tensors)
    assert tensors['points'].all() and tensors['counts'].tolist() == [5]
    preprocess.fit(preprocess.blank())
    for wrong in (noise_frame(), Tensors({'points': np.ones((1, 5, 3), np.float32)}),
                  Tensors({**sample.by_name, 'points': np.ones((1, 6, 3), np.float32)})):
        with pytest.raises(ImageError, match='the network reads '):
            preprocess.fit(wrong)
    with pytest.raises(ImageError, match=r"int64\[1\], but 'counts' .* is int32\[1\]"):
        preprocess.fit(Tensors({**sample.by_name, 'counts': np.array([5], np.int32)}))
