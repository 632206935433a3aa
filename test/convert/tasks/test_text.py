# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Networks that read texts match a NumPy reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from onnx import TensorProto
import pytest
from support.building import build_in_memory  # noqa: E402
from support.frames import noise_frame
from support.gpu import GPU_MARKS
from support.models import dense_model, save

pytest.importorskip('tokenizers', reason='texts are read by the package tokenizers')

from support.text_models import expected_scores, LABELS, save_text_model, WORDS  # noqa: E402

from edge_trt_ros.convert.build import build_engine  # noqa: E402
from edge_trt_ros.convert.options import BuildOptions  # noqa: E402
from edge_trt_ros.convert.plan_identity import why_stale  # noqa: E402
from edge_trt_ros.errors import (ConfigurationError, EngineError, ImageError,  # noqa: E402
                                 ModelError)
from edge_trt_ros.opening import open_network  # noqa: E402
from edge_trt_ros.runtime.pipeline import infer  # noqa: E402
from edge_trt_ros.runtime.select import open_engine  # noqa: E402
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt  # noqa: E402
from edge_trt_ros.runtime.text_preprocess import TextTokens  # noqa: E402
from edge_trt_ros.vision.tasks.classify import Classification  # noqa: E402
from edge_trt_ros.vision.thresholds import Thresholds  # noqa: E402

CPU = BuildOptions(backend='onnxruntime', input_shape=(1, 12))
TEXTS = {'stop now please': [2, 4, 8, 9, 3], 'go left': [2, 5, 6, 3], 'what': [2, 1, 3],
         '': [2, 3], ' '.join(WORDS[4:] * 9): [2, *list(range(4, 10)) * 9][:11] + [3]}


@pytest.mark.parametrize('length, kind, types, precision', [
    ('sequence', TensorProto.INT64, True, 'fp32'), (12, TensorProto.INT32, False, 'fp32'),
    ('sequence', TensorProto.INT64, False, 'fp16')])
def test_text_scores_match_the_reference(length: int | str, kind: int, types: bool,
                                         precision: str, tmp_path: Path) -> None:
    path = save_text_model(tmp_path, length, kind, types)
    build_engine(path, tmp_path / 'm.engine', replace(CPU, precision=precision))
    with open_network(tmp_path / 'm.engine').runtime as runtime:
        manifest = runtime.manifest
        assert (manifest.task, manifest.labels) == ('text', LABELS)
        tokens = TextTokens(manifest.text_input)
        for text, ids in TEXTS.items():
            result, _ = infer(runtime, tokens.sample(text), Thresholds())
            assert isinstance(result, Classification)
            expected = expected_scores(ids)
            np.testing.assert_allclose(result.scores, np.sort(expected)[::-1],
                                       atol=1e-4 if precision == 'fp32' else 5e-3)
            assert result.class_ids[0] == expected.argmax()
        with pytest.raises(ImageError, match='reads texts of 12 tokens, and this is bgr8'):
            infer(runtime, noise_frame(), Thresholds())


def test_image_network_refuses_text(tmp_path: Path) -> None:
    text = build_in_memory(save_text_model(tmp_path), CPU)
    frame = TextTokens(text.manifest.text_input).sample('go')
    image = build_in_memory(save(dense_model(), tmp_path / 'image.onnx'),
                            BuildOptions(backend='onnxruntime'))
    with open_engine(image.engine, image.manifest).runtime as runtime:
        with pytest.raises(ImageError, match='tokens'):
            infer(runtime, frame, Thresholds())


def test_missing_or_contradictory_text_inputs_are_refused(tmp_path: Path) -> None:
    path = save_text_model(tmp_path)
    with pytest.raises(ModelError, match='1x128 for texts'):
        build_in_memory(path, BuildOptions(backend='onnxruntime'))
    with pytest.raises(ModelError, match='expected 1, 3, height and width of an image, or 1 and'):
        build_in_memory(path, replace(CPU, input_shape=(1, 3, 8, 8)))
    with pytest.raises(ModelError, match="the task is 'classify', but the network takes"):
        build_in_memory(path, replace(CPU, task='classify'))
    with pytest.raises(ConfigurationError, match='int8 is calibrated on images'):
        build_in_memory(path, replace(CPU, precision='int8', calibration=str(tmp_path)))
    image = save(dense_model(), tmp_path / 'image.onnx')
    with pytest.raises(ModelError, match="the task is 'text'"):
        build_in_memory(image, BuildOptions(backend='onnxruntime', task='text'))
    (tmp_path / 'tokenizer.json').write_text('{"a": 1}')
    with pytest.raises(EngineError, match='the tokenizer cannot be read'):
        build_in_memory(path, CPU)
    (tmp_path / 'tokenizer.json').unlink()
    with pytest.raises(ModelError, match='tokenizer.json is missing: copy the tok') as caught:
        build_in_memory(path, CPU)
    assert caught.value.code == 'tokenizer_missing'


def test_changed_tokenizer_makes_the_engine_stale(tmp_path: Path) -> None:
    path = save_text_model(tmp_path)
    build_engine(path, tmp_path / 'm.engine', CPU)
    assert why_stale(tmp_path / 'm.engine', path, CPU) == ''
    tokenizer = tmp_path / 'tokenizer.json'
    tokenizer.write_text(tokenizer.read_text().replace('please', 'thanks'))
    assert 'm.onnx has changed' in why_stale(tmp_path / 'm.engine', path, CPU)


@pytest.mark.skipif(not installed_tensorrt(), reason='no TensorRT is installed')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
def test_tensorrt_builds_text_networks(precision: str, tmp_path: Path) -> None:
    built = build_in_memory(save_text_model(tmp_path), BuildOptions(
        backend=installed_tensorrt(), input_shape=(1, 12), precision=precision))
    assert [str(tensor) for tensor in built.manifest.inputs] == [
        'input_ids int64[1, 12]', 'attention_mask int64[1, 12]']
    assert built.manifest.task == 'text' and len(built.engine) > 1000


class TestOnTheGpu:
    """Tests that run the engine."""

    pytestmark = GPU_MARKS

    @pytest.mark.parametrize('precision', ['fp32', 'fp16'])
    def test_text_scores_match_the_reference(self, precision: str, tmp_path: Path) -> None:
        build_engine(save_text_model(tmp_path), tmp_path / 'm.engine', BuildOptions(
            backend=installed_tensorrt(), input_shape=(1, 12), precision=precision))
        with open_network(tmp_path / 'm.engine').runtime as runtime:
            tokens = TextTokens(runtime.manifest.text_input)
            for index, (text, ids) in enumerate(TEXTS.items()):
                result, _ = infer(runtime, tokens.sample(text), Thresholds(), slot=index % 2)
                assert isinstance(result, Classification)
                np.testing.assert_allclose(
                    result.scores, np.sort(expected_scores(ids))[::-1], atol=5e-3)
            with pytest.raises(ImageError, match='reads texts of 12 tokens'):
                infer(runtime, noise_frame(), Thresholds())
