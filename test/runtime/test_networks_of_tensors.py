# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks of any tensors run alike on ONNX Runtime, on doubles of CUDA, and on a GPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
import onnxruntime
import pytest
from support.gpu import built, GPU_MARKS
from support.tensor_models import (as_option, CHUNK, policy_contract, policy_model, UNITS,
                                   voice_activity_contract, voice_activity_model)
from support.tensorrt_double.machine import Machine

from edge_trt_ros import build_engine, Model, open_model
from edge_trt_ros.convert.verify_installed import verify_installed
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import EngineError, ImageError
from edge_trt_ros.runtime.pipeline import infer, warm_up
from edge_trt_ros.runtime.samples import Tensors
from edge_trt_ros.runtime.select import open_engine, Placement
from edge_trt_ros.vision.thresholds import Thresholds

CHUNKS = [np.random.default_rng(seed).uniform(-1, 1, (1, CHUNK)).astype(np.float32)
          for seed in range(6)]


def expected_speech() -> list[NDArray[Any]]:
    """Return the probabilities of the chunks, with the state fed back by hand."""
    session = onnxruntime.InferenceSession(voice_activity_model().SerializeToString())
    state = np.zeros((2, 1, UNITS), np.float32)
    found = []
    for chunk in CHUNKS:
        output, state = session.run(None, {'input': chunk, 'state': state,
                                           'sr': np.array(16000, np.int64)})
        found.append(output)
    return found


@pytest.fixture(scope='module')
def engines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('tensors')
    for name, model, contract in (('voice', voice_activity_model(), voice_activity_contract()),
                                  ('policy', policy_model(), policy_contract())):
        onnx.save(model, folder / f'{name}.onnx')
        build_engine(folder / f'{name}.onnx', folder / f'{name}.engine', backend='onnxruntime',
                     tensor_contract=contract)
    return folder


@pytest.fixture()
def voice(engines: Path) -> Iterator[Model]:
    with open_model(engines / 'voice.engine') as model:
        yield model


@pytest.fixture()
def policy(engines: Path) -> Iterator[Model]:
    with open_model(engines / 'policy.engine') as model:
        yield model


def test_state_is_fed_back_and_reset(voice: Model) -> None:
    expected = expected_speech()
    for _ in range(2):
        for chunk, want in zip(CHUNKS, expected):
            by_name = voice({'input': chunk}).by_name  # type: ignore[union-attr]
            assert list(by_name) == ['output']
            np.testing.assert_allclose(by_name['output'], want, atol=1e-6)
        voice.reset_state()
    # In flight, the slots take turns and share the state.
    for result, want in zip(voice.stream({'input': chunk} for chunk in CHUNKS), expected):
        np.testing.assert_allclose(
            result.by_name['output'], want, atol=1e-6)  # type: ignore[union-attr]


def test_refused_sample_leaves_the_state(voice: Model) -> None:
    expected = expected_speech()
    voice({'input': CHUNKS[0]})
    with pytest.raises(ImageError):
        voice({'input': np.full((1, CHUNK), np.nan, np.float32)})
    found = voice({'input': CHUNKS[1]}).by_name['output']  # type: ignore[union-attr]
    np.testing.assert_allclose(found, expected[1], atol=1e-6)


def test_picture_beside_a_vector(policy: Model) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
    observations = np.linspace(-1, 1, 12, dtype=np.float32)[None]
    found = policy({'camera': picture, 'observations': observations})
    session = onnxruntime.InferenceSession(policy_model().SerializeToString())
    rgb = picture[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    velocity, mode = session.run(None, {'camera': rgb, 'observations': observations})
    by_name = found.by_name  # type: ignore[union-attr]
    np.testing.assert_allclose(by_name['velocity'], velocity, atol=1e-5)
    assert by_name['mode'].dtype == np.int64 and by_name['mode'] == mode
    assert set(policy.to_dict(found)['tensors']) == {'velocity', 'mode'}
    with pytest.raises(EngineError) as caught:
        policy.reset_state()
    assert caught.value.code == 'state_missing'


@pytest.mark.parametrize(('words', 'code', 'change'), [
    ("reads the tensors ['camera', 'observations']", 'tensor_differs', {'observations': None}),
    ('float64[1, 12]', 'tensor_differs', {'observations': np.zeros((1, 12))}),
    ('float32[12]', 'tensor_differs', {'observations': np.zeros(12, np.float32)}),
    ('1 of 12 values', 'tensor_not_finite', {
        'observations': np.array([[np.inf] + 11 * [0]], np.float32)}),
    ("'wheels'", 'tensor_differs', {'wheels': np.zeros(4, np.float32)}),
    ('cv2.imread', 'image_missing', {'camera': np.ndarray})])
def test_samples_that_do_not_fit(words: str, code: str, change: dict[str, Any], policy: Model
                                 ) -> None:
    sample = {'camera': np.zeros((64, 96, 3), np.uint8),
              'observations': np.zeros((1, 12), np.float32)} | change
    given = {name: None if values is np.ndarray else values for name, values in sample.items()
             if values is not None}
    with pytest.raises(ImageError) as caught:
        policy(given)
    assert words in str(caught.value) and caught.value.code == code


def test_image_alone_is_refused(policy: Model) -> None:
    with pytest.raises(ImageError, match='arrays by name'):
        policy(np.zeros((64, 96, 3), np.uint8))


def run_on_gpu(folder: Path, **placement: Any) -> None:
    """Build both networks for the GPU, verify them there, and compare their results."""
    for model, contract in ((voice_activity_model(), voice_activity_contract()),
                            (policy_model(), policy_contract())):
        engine, manifest = read_engine(built(model, folder, tensor_contract=as_option(contract)))
        assert manifest.verification['engine_ran'] is True
        found = verify_installed(engine, manifest, folder / 'm.onnx')
        assert found['status'] == 'verified'
        assert set(contract['outputs']) <= set(found['tensors'])
        with open_engine(engine, manifest).runtime as runtime:
            warm_up(runtime)
            if manifest.states:
                _check_speech(runtime)


def _check_speech(runtime: Any) -> None:
    for _ in range(2):
        for number, (chunk, want) in enumerate(zip(CHUNKS, expected_speech())):
            result, _ = infer(runtime, Tensors({'input': chunk}), Thresholds(), slot=number % 2)
            assert list(result.by_name) == ['output']  # type: ignore[union-attr]
            np.testing.assert_allclose(
                result.by_name['output'], want, atol=2e-3)  # type: ignore[union-attr]
        runtime.reset_state()


def test_on_the_double(machine: Machine, tmp_path: Path) -> None:
    run_on_gpu(tmp_path)


class TestOnGpu:
    """The same on a GPU."""

    pytestmark = GPU_MARKS

    def test_results_are_those_of_the_cpu(self, tmp_path: Path) -> None:
        run_on_gpu(tmp_path)

    @pytest.mark.parametrize('use_graph', [True, False])
    def test_state_with_and_without_graph(self, use_graph: bool, tmp_path: Path) -> None:
        engine, manifest = read_engine(built(
            voice_activity_model(), tmp_path,
            tensor_contract=as_option(voice_activity_contract())))
        with open_engine(engine, manifest, placement=Placement(use_graph=use_graph)).runtime \
                as runtime:
            assert bool(runtime.why_no_graph) is not use_graph  # type: ignore[attr-defined]
            _check_speech(runtime)

    def test_fp16(self, tmp_path: Path) -> None:
        for model, contract in ((voice_activity_model(), voice_activity_contract()),
                                (policy_model(), policy_contract())):
            _, manifest = read_engine(built(model, tmp_path, precision='fp16',
                                            tensor_contract=as_option(contract)))
            assert manifest.verification['engine_ran'] is True
