# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Engines of networks of any tensors: verified, damaged, built for TensorRT, and hostile."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
import json
from pathlib import Path
from typing import Any

import onnx
from onnx import helper, TensorProto
import pytest
from support.tensor_models import (as_option, policy_contract, policy_model,
                                   voice_activity_contract, voice_activity_model)

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan_identity import why_stale
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.convert.verify_installed import verify_installed
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.errors import BuildError, ConfigurationError, ManifestError
from edge_trt_ros.manifest_json import manifest_from_json
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt
from edge_trt_ros.tensor_contract_text import contract_from_values

Change = Callable[[dict[str, Any]], object]


@pytest.fixture(scope='module')
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('voice')
    onnx.save(voice_activity_model(), folder / 'm.onnx')
    build_engine(folder / 'm.onnx', folder / 'm.engine', BuildOptions(
        backend='onnxruntime', tensor_contract=as_option(voice_activity_contract())))
    return folder / 'm.engine'


def test_verification_compares_every_output_and_the_state(voice: Path) -> None:
    engine, manifest = read_engine(voice)
    found = verify_installed(engine, manifest, voice.with_suffix('.onnx'))
    assert found['status'] == 'verified' and found['samples'] == {'random': 8}
    assert {'output', 'stateN'} <= set(found['tensors'])


def test_damaged_weight_of_the_state_is_refused(voice: Path) -> None:
    engine, manifest = read_engine(voice)
    model = onnx.load_from_string(engine)
    for tensor in model.graph.initializer:
        if tensor.name == 'w_1':
            tensor.CopyFrom(onnx.numpy_helper.from_array(
                onnx.numpy_helper.to_array(tensor) * 1.1, tensor.name))
    damaged = model.SerializeToString()
    with pytest.raises(BuildError, match='w_1|stateN|now_2|kept_1') as caught:
        verify_installed(damaged, manifest, voice.with_suffix('.onnx'))
    assert caught.value.code == 'engine_differs'


def test_outputs_that_never_change_verify_nothing(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node('Clip', ['x', 'low', 'high'], ['y'])], 'constant',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [4])],
        [helper.make_tensor(name, TensorProto.FLOAT, [], [value])
         for name, value in (('low', 5.0), ('high', 6.0))])
    contract: dict[str, Any] = {'inputs': {'x': {'shape': [4], 'dtype': 'float32'}},
                                'outputs': {'y': {'shape': [4], 'dtype': 'float32'}}}
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8),
              tmp_path / 'm.onnx')

    def build_it() -> None:
        build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', BuildOptions(
            backend='onnxruntime', tensor_contract=as_option(contract)))
    with pytest.raises(BuildError, match='nothing was compared') as caught:
        build_it()
    assert caught.value.code == 'nothing_compared' and not (tmp_path / 'm.engine').exists()
    contract['inputs']['x']['range'] = [4, 7]
    build_it()


@pytest.mark.skipif(installed_tensorrt() != 'tensorrt_rtx', reason='needs TensorRT for RTX')
@pytest.mark.parametrize('precision', ['fp32', 'fp16'])
@pytest.mark.parametrize(('model', 'contract'), [
    (voice_activity_model, voice_activity_contract), (policy_model, policy_contract)])
def test_tensorrt_builds_it(model: Any, contract: Any, precision: str, tmp_path: Path) -> None:
    onnx.save(model(), tmp_path / 'm.onnx')
    manifest, _ = build_engine(tmp_path / 'm.onnx', tmp_path / 'm.engine', BuildOptions(
        backend='tensorrt_rtx', precision=precision, tensor_contract=as_option(contract())))
    stated = contract_from_values(contract())
    assert manifest.input_kinds == stated.kinds
    assert {spec.name: spec for spec in manifest.outputs} == {
        tensor.spec.name: tensor.spec for tensor in stated.outputs}


def test_engine_is_stale_if_its_contract_changed(voice: Path) -> None:
    contract = voice_activity_contract()
    asked = [BuildOptions(backend='onnxruntime', tensor_contract=as_option(contract))]
    contract['inputs']['state']['initial'] = 1
    asked.append(BuildOptions(backend='onnxruntime', tensor_contract=as_option(contract)))
    assert [why_stale(voice, voice.with_suffix('.onnx'), options) for options in asked] == [
        '', 'the tensor contract has changed']


def test_state_is_not_served(voice: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='state') as caught:
        write_served_model(tmp_path, 'voice', *read_engine(voice))
    assert caught.value.code == 'state_served'


@pytest.mark.parametrize(('words', 'change'), [
    ('differs from that output', lambda raw: raw['input_kinds'][1].update(output='lost')),
    ('initial values', lambda raw: raw['input_kinds'][1].update(initial=[1, 2])),
    ('the tensor contract states', lambda raw: raw['input_kinds'][1].update(initial=[7])),
    ('cannot be used', lambda raw: raw['plan']['options'].update(tensor_contract='{}'))])
def test_hostile_manifests(words: str, change: Change, voice: Path) -> None:
    raw = deepcopy(json.loads(read_engine(voice)[1].to_json()))
    change(raw)
    with pytest.raises(ManifestError, match=words):
        manifest_from_json(json.dumps(raw), 'm.engine.json')
