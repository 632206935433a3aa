# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An engine is called verified only if something was seen on the samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.building import build_in_memory
from support.models import dense_model, save
from support.silent import silent_model
from support.task_models import convolution_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.build_job import BuildOutcome
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.demo.detector.model import MODEL_PATH
from edge_trt_ros.errors import BuildError
from edge_trt_ros.verification import ENGINE_RAN, is_verified, sentence, VERIFIED, warning

CPU = BuildOptions(backend='onnxruntime')


def test_silence_is_not_called_verified(tmp_path: Path) -> None:
    path, engine = save(silent_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    manifest, reason = build_engine(path, engine, CPU)
    outcome = BuildOutcome(manifest, reason)
    assert manifest.verification['status'] == 'nothing_detected'
    assert manifest.verification['samples'] == {'road': 5, 'noise': 2}
    for text in (outcome.sentence(), outcome.warning):
        assert 'outputs agree, nothing was detected on 7 samples' in text
        assert 'verified' not in text
    assert 'give images' in outcome.warning


def test_require_verification_refuses_silence(tmp_path: Path) -> None:
    path, engine = save(silent_model(), tmp_path / 'm.onnx'), tmp_path / 'm.engine'
    with pytest.raises(BuildError, match='require_verification is set: it is not inst') as caught:
        build_engine(path, engine, replace(CPU, require_verification=True))
    assert caught.value.code == 'nothing_detected' and not engine.exists()
    build_in_memory(save(dense_model(), path), replace(CPU, require_verification=True))


def test_silence_on_noise_alone_counts_as_silence(tmp_path: Path) -> None:
    # A detector that fires on noise, but on no road image, has seen nothing either.
    built = build_in_memory(save(silent_model(-3.0), tmp_path / 'm.onnx'), CPU)
    assert built.manifest.verification['samples']['noise'] == 2
    assert not is_verified(built.manifest.verification)


def test_a_blind_detector_is_told_the_contract_that_works(tmp_path: Path) -> None:
    blind = replace(CPU, input_contract='{"scale": 0.0000153787}')  # 1/255 twice
    verification = build_in_memory(MODEL_PATH, blind).manifest.verification
    assert not is_verified(verification)
    assert '"scale": 0.0039215686' in warning(verification)
    assert 'clear objects' in warning(verification)


def test_a_flooding_detector_is_told_the_contract_that_works() -> None:
    floods = replace(CPU, input_contract='{"scale": 1.0}')
    verification = build_in_memory(MODEL_PATH, floods).manifest.verification
    assert 'detects objects where there are none' in warning(verification)
    assert '"scale": 0.0039215686' in warning(verification)
    assert not warning(build_in_memory(MODEL_PATH, CPU).manifest.verification)


def test_other_tasks_see_something_or_nothing(tmp_path: Path) -> None:
    for shape, task in (((1, 10), 'classify'), ((1, 5, 16, 16), 'semantic'),
                        ((1, 4, 8, 8), 'tensors')):
        path = save(convolution_model(shape, {'task': task}), tmp_path / 'm.onnx')
        assert is_verified(build_in_memory(path, CPU).manifest.verification), task
        model = convolution_model(shape, {'task': task})
        for tensor in model.graph.initializer:
            if tensor.name == 'kernel':
                tensor.raw_data = bytes(len(tensor.raw_data))
        if task == 'classify':
            next(tensor for tensor in model.graph.initializer
                 if tensor.name == 'bias').raw_data = bytes(4 * shape[1])
        constant = build_in_memory(save(model, path), CPU).manifest.verification
        assert not is_verified(constant), task


@pytest.mark.parametrize('verification, said, warned', [
    ({'status': VERIFIED, 'by': 'library 1', 'frames': 3, 'agreement': 'equal'},
     'verified by library 1 on 3 samples', ''),
    ({'status': VERIFIED, 'by': 'library 1', 'frames': 3, ENGINE_RAN: False},
     'the engine itself has not run', 'on the robot'),
    ({'by': 'library 1', 'frames': 3, 'boxes': 0}, 'older edge_trt_ros', 'verify_engine'),
    ({'by': 'nobody', 'frames': 0}, 'not compared with its ONNX', 'verify_engine'),
    ({}, 'not compared with its ONNX', 'verify_engine'),
])
def test_each_verification_has_a_sentence(verification: dict[str, object], said: str,
                                          warned: str) -> None:
    assert said in sentence(verification)
    assert warned in warning(verification) if warned else warning(verification) == ''
