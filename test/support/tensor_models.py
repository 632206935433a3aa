# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small networks of any tensors, with their contracts: voice activity, and a policy."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.tensor_contract_text import contract_from_values, contract_text

CHUNK, UNITS = 512, 128


def voice_activity_model() -> onnx.ModelProto:
    """
    Return a network with the tensors of Silero's voice activity detector.

    It reads 512 values of audio, the state of two layers and the sample rate, and returns a
    probability and the next state. The rate chooses a branch, as in Silero's own export.
    """
    random = np.random.default_rng(1)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(
            (random.normal(0, 1, shape) / np.sqrt(shape[0])).astype(np.float32), name)
    layers = [helper.make_node('MatMul', ['input', 'w_in'], ['heard']),
              helper.make_node('Equal', ['sr', 'rate_16k'], ['is_16k']),
              helper.make_node('Where', ['is_16k', 'one', 'half'], ['gain']),
              helper.make_node('Mul', ['heard', 'gain'], ['now_0']),
              helper.make_node('Split', ['state', 'split'], ['last_0', 'last_1'], axis=0)]
    for index in range(2):
        layers += [
            helper.make_node('Squeeze', [f'last_{index}', 'zero'], [f'flat_{index}']),
            helper.make_node('MatMul', [f'flat_{index}', f'w_{index}'], [f'kept_{index}']),
            helper.make_node('Add', [f'kept_{index}', f'now_{index}'], [f'sum_{index}']),
            helper.make_node('Tanh', [f'sum_{index}'], [f'now_{index + 1}']),
            helper.make_node('Unsqueeze', [f'now_{index + 1}', 'zero'], [f'next_{index}'])]
    layers += [helper.make_node('Concat', ['next_0', 'next_1'], ['stateN'], axis=0),
               helper.make_node('MatMul', ['now_2', 'w_out'], ['logit']),
               helper.make_node('Sigmoid', ['logit'], ['output'])]
    constants = [weight('w_in', CHUNK, UNITS), weight('w_0', UNITS, UNITS),
                 weight('w_1', UNITS, UNITS), weight('w_out', UNITS, 1),
                 *(numpy_helper.from_array(np.asarray(value), name) for name, value in (
                     ('rate_16k', np.int64(16000)), ('one', np.float32(1)),
                     ('half', np.float32(0.5)), ('split', np.array([1, 1], np.int64)),
                     ('zero', np.array([0], np.int64))))]
    return _model(layers, constants, {
        'input': (TensorProto.FLOAT, ['batch', 'samples']),
        'state': (TensorProto.FLOAT, [2, 'batch', UNITS]), 'sr': (TensorProto.INT64, [])}, {
        'output': (TensorProto.FLOAT, ['batch', 1]),
        'stateN': (TensorProto.FLOAT, [2, 'batch', UNITS])})


def voice_activity_contract() -> dict[str, Any]:
    """Return the contract of `voice_activity_model`."""
    return {
        'inputs': {
            'input': {'shape': [1, CHUNK], 'dtype': 'float32', 'unit': '1', 'range': [-1, 1],
                      'topic': 'audio'},
            'state': {'shape': [2, 1, UNITS], 'dtype': 'float32', 'from_output': 'stateN',
                      'initial': 0},
            'sr': {'shape': [], 'dtype': 'int64', 'unit': 'Hz', 'value': 16000}},
        'outputs': {
            'output': {'shape': [1, 1], 'dtype': 'float32', 'unit': 'probability of speech'},
            'stateN': {'shape': [2, 1, UNITS], 'dtype': 'float32'}}}


def as_option(contract: dict[str, Any]) -> str:
    """Return a contract as the build option `tensor_contract`."""
    return contract_text(contract_from_values(contract))


def policy_model() -> onnx.ModelProto:
    """Return a policy that reads a vector and a picture; it returns velocities and a mode."""
    random = np.random.default_rng(2)

    def weight(name: str, *shape: int) -> onnx.TensorProto:
        return numpy_helper.from_array(random.normal(0, 0.3, shape).astype(np.float32), name)
    nodes = [helper.make_node('Conv', ['camera', 'w_conv'], ['seen'], strides=[4, 4]),
             helper.make_node('Relu', ['seen'], ['active']),
             helper.make_node('GlobalAveragePool', ['active'], ['pooled']),
             helper.make_node('Flatten', ['pooled'], ['picture']),
             helper.make_node('Concat', ['picture', 'observations'], ['all'], axis=1),
             helper.make_node('MatMul', ['all', 'w_velocity'], ['bent']),
             helper.make_node('Tanh', ['bent'], ['velocity']),
             helper.make_node('MatMul', ['all', 'w_mode'], ['modes']),
             helper.make_node('ArgMax', ['modes'], ['mode'], axis=1)]
    constants = [weight('w_conv', 8, 3, 4, 4), weight('w_velocity', 20, 2),
                 weight('w_mode', 20, 3)]
    return _model(nodes, constants, {
        'observations': (TensorProto.FLOAT, [1, 12]),
        'camera': (TensorProto.FLOAT, [1, 3, 64, 96])}, {
        'velocity': (TensorProto.FLOAT, [1, 2]), 'mode': (TensorProto.INT64, [1, 1])})


def policy_contract() -> dict[str, Any]:
    """Return the contract of `policy_model`."""
    return {
        'inputs': {
            'observations': {'shape': [1, 12], 'dtype': 'float32', 'unit': 'rad and rad/s',
                             'range': [-3, 3], 'max_age_ms': 200},
            'camera': {'shape': [1, 3, 64, 96], 'dtype': 'float32', 'image': {}}},
        'outputs': {
            'velocity': {'shape': [1, 2], 'dtype': 'float32', 'unit': 'm/s and rad/s'},
            'mode': {'shape': [1, 1], 'dtype': 'int64'}}}


def _model(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto],
           inputs: dict[str, Any], outputs: dict[str, Any]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, 'tensors', *(
        [helper.make_tensor_value_info(name, *spec) for name, spec in specs.items()]
        for specs in (inputs, outputs)), constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=8)
