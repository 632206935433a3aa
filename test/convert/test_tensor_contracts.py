# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tensor contracts: what contradicts the graph or itself is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from onnx import helper, TensorProto
import pytest
from support.tensor_models import (as_option, policy_contract, policy_model,
                                   voice_activity_contract, voice_activity_model)
import yaml

from edge_trt_ros.convert.contract_file import contract_from_file
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.plan import plan_build
from edge_trt_ros.errors import ConfigurationError, EdgeTrtError
from edge_trt_ros.tensor_contract_text import contract_from_text, contract_from_values

Change = Callable[[dict[str, Any]], object]


def planned(model: onnx.ModelProto, contract: dict[str, Any], folder: Path) -> Any:
    onnx.save(model, folder / 'm.onnx')
    return plan_build(folder / 'm.onnx', BuildOptions(
        backend='onnxruntime', tensor_contract=as_option(contract)))


@pytest.mark.parametrize(('code', 'words', 'change'), [
    ('contract_unknown', "input 'gyro'", lambda contract: contract['inputs'].update(
        gyro={'shape': [1, 3], 'dtype': 'float32'})),
    ('contract_unknown', "output 'mood'", lambda contract: contract['outputs'].update(
        mood={'shape': [1], 'dtype': 'float32'})),
    ('contract_incomplete', "input 'sr'", lambda contract: contract['inputs'].pop('sr')),
    ('contract_shape', 'state float32[2, 1, 64]', lambda contract: [
        contract['inputs']['state'].update(shape=[2, 1, 64]),
        contract['outputs']['stateN'].update(shape=[2, 1, 64])]),
    ('contract_shape', 'input float32[1, 512, 1]', lambda contract: contract['inputs'][
        'input'].update(shape=[1, 512, 1])),
    ('contract_dtype', 'sr int32[]', lambda contract: contract['inputs']['sr'].update(
        dtype='int32')),
    ('contract_shape', 'output float32[1, 2]', lambda contract: contract['outputs'][
        'output'].update(shape=[1, 2])),
])
def test_contract_that_differs_from_the_graph(code: str, words: str, change: Change,
                                              tmp_path: Path) -> None:
    contract = voice_activity_contract()
    change(contract)
    with pytest.raises(EdgeTrtError) as caught:
        planned(voice_activity_model(), contract, tmp_path)
    assert caught.value.code == code and words in str(caught.value)
    assert 'm.onnx' in str(caught.value) and '\n' not in str(caught.value)


def test_output_that_the_contract_omits(tmp_path: Path) -> None:
    contract = policy_contract()
    del contract['outputs']['mode']
    with pytest.raises(EdgeTrtError, match="output 'mode'") as caught:
        planned(policy_model(), contract, tmp_path)
    assert caught.value.code == 'contract_incomplete'


def test_shape_that_depends_on_values(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node('NonZero', ['x'], ['places'])], 'open',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [4])],
        [helper.make_tensor_value_info('places', TensorProto.INT64, [1, None])])
    with pytest.raises(EdgeTrtError, match='depends on the values') as caught:
        planned(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)]), {
            'inputs': {'x': {'shape': [4], 'dtype': 'float32'}},
            'outputs': {'places': {'shape': [1, 4], 'dtype': 'int64'}}}, tmp_path)
    assert caught.value.code == 'contract_shape'


def test_no_contract_says_what_to_give(tmp_path: Path) -> None:
    onnx.save(policy_model(), tmp_path / 'm.onnx')
    with pytest.raises(EdgeTrtError, match='--tensor-contract') as caught:
        plan_build(tmp_path / 'm.onnx', BuildOptions(backend='onnxruntime'))
    assert caught.value.code == 'contract_missing'


@pytest.mark.parametrize(('code', 'words', 'change'), [
    ('contract_state', 'state float32[2, 1, 128] comes from the output stateN float32[2, 128]',
     lambda contract: contract['outputs']['stateN'].update(shape=[2, 128])),
    ('contract_state', 'stateN float16', lambda contract: contract['outputs']['stateN'].update(
        dtype='float16')),
    ('contract_invalid', "the output 'hidden'", lambda contract: contract['inputs'][
        'state'].update(from_output='hidden')),
    ('contract_invalid', 'topic and value', lambda contract: contract['inputs']['sr'].update(
        topic='rate')),
    ('contract_invalid', 'range is a smaller', lambda contract: contract['inputs'][
        'input'].update(range=[1, -1])),
    ('contract_invalid', 'fields shape, dtype, colour', lambda contract: contract['outputs'][
        'output'].update(colour='red') or contract['outputs']['output'].pop('unit')),
    ('contract_invalid', 'whole numbers', lambda contract: contract['inputs']['input'].update(
        shape=[1, 'many'])),
    ('contract_invalid', 'dtype is one of', lambda contract: contract['inputs'][
        'input'].update(dtype='float128')),
    ('contract_invalid', 'lengths are 1 or more', lambda contract: contract['inputs'][
        'input'].update(shape=[1, 0])),
    ('contract_invalid', 'no relative name', lambda contract: contract['inputs'][
        'input'].update(topic='/audio')),
    ('contract_invalid', 'no finite numbers of int64', lambda contract: contract['inputs'][
        'sr'].update(value=0.5)),
    ('contract_invalid', '[3] values are given', lambda contract: contract['inputs'][
        'state'].update(initial=[1, 2, 3])),
    ('contract_invalid', 'nothing would start a run', lambda contract: contract['inputs'].pop(
        'input')),
    ('contract_invalid', 'nothing would be published', lambda contract: contract['outputs'].pop(
        'output')),
    ('contract_invalid', 'at most one', lambda contract: contract['inputs'].update(
        {name: policy_contract()['inputs']['camera'] for name in ('left', 'right')})),
    ('contract_invalid', 'expected inputs and outputs', lambda contract: contract.pop('outputs')),
])
def test_contract_that_contradicts_itself(code: str, words: str, change: Change) -> None:
    contract = voice_activity_contract()
    change(contract)
    with pytest.raises(ConfigurationError) as caught:
        contract_from_values(contract)
    assert caught.value.code == code and words in str(caught.value)


@pytest.mark.parametrize(('content', 'words'), [
    (b'inputs: [', 'is not YAML'), (b'\xff\xfe', 'is not YAML'), (b'', 'expected inputs'),
    (b'[1, 2]', 'expected inputs'), (b'inputs: {x: 5}\noutputs: {y: 5}', 'fields none')])
def test_broken_files(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / 'c.yaml').write_bytes(content)
    with pytest.raises(ConfigurationError, match=words) as caught:
        contract_from_file(str(tmp_path / 'c.yaml'))
    assert 'c.yaml' in str(caught.value) and caught.value.code == 'contract_invalid'


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='No such file'):
        contract_from_file(str(tmp_path / 'none.yaml'))
    assert contract_from_file('') == ''


@pytest.mark.parametrize('contract', [voice_activity_contract(), policy_contract()])
def test_contract_survives_yaml_and_json(contract: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / 'c.yaml').write_text(yaml.safe_dump(contract, sort_keys=False), encoding='utf-8')
    read = contract_from_text(contract_from_file(str(tmp_path / 'c.yaml')))
    assert read == contract_from_values(contract)
    assert [tensor.spec.name for tensor in read.inputs] == list(contract['inputs'])


def test_picture_starts_a_run_wherever_it_stands() -> None:
    assert [tensor.spec.name for tensor in contract_from_values(policy_contract()).received] == [
        'camera', 'observations']


def test_options_that_contradict_a_contract() -> None:
    text = as_option(policy_contract())
    for more in ({'task': 'detect'}, {'input_shape': (1, 3, 64, 64)},
                 {'input_contract': '{"scale": 1.0}'}):
        with pytest.raises(ConfigurationError, match='states the inputs'):
            BuildOptions(tensor_contract=text, **more)


def test_int8_is_refused(tmp_path: Path) -> None:
    onnx.save(policy_model(), tmp_path / 'm.onnx')
    with pytest.raises(ConfigurationError, match='reads tensors: choose fp16') as caught:
        plan_build(tmp_path / 'm.onnx', BuildOptions(
            backend='onnxruntime', precision='int8', tensor_contract=as_option(policy_contract())))
    assert caught.value.code == 'precision_unsupported'
