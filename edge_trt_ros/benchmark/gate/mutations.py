# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Faults of engines: each changes the graph of a built engine as a real fault would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper

from edge_trt_ros.benchmark.gate.fault import Fault
from edge_trt_ros.convert.graph.edit import weighted_nodes

_WIDTH_PX, _CLASSES, _ANCHORS = 448, 5, 2352
_BOXES = ('detect', 'segment', 'pose', 'obb')
# Rows after boxes and scores: coefficients of masks, keypoints, angles.
_MORE_ROWS = {'segment': 4, 'pose': 12, 'obb': 1}
# The layer that is damaged, in the middle of the network.
_LAYER = '/net/stage4/stage4.1/merge/merge.0/Conv_output_0'

Mutation = Callable[[onnx.ModelProto, str, onnx.ModelProto], bool]


def raw_name(model: onnx.ModelProto, task: str) -> str:
    """Return the name of a network's main output in its engine."""
    name = {'classify': 'logits', 'semantic': 'areas', 'depth': 'nearness',
            'detect': 'output0'}.get(task, 'rows')
    made = {output for node in model.graph.node for output in node.output}
    return name if name in made else f'edge_trt_ros/source/{name}'


def _rows(task: str, values: Mapping[int, float], default: float) -> NDArray[np.float32]:
    rows = np.full((1, 4 + _CLASSES + _MORE_ROWS.get(task, 0), 1), default, np.float32)
    for row, value in values.items():
        rows[0, row] = value
    return rows


def _scaled(values: Mapping[int, float]) -> Mutation:
    return lambda model, task, source: task in _BOXES and Fault(
        model, raw_name(model, task)).scale(_rows(task, values, 1)).apply()


def _shifted(values: Mapping[int, float]) -> Mutation:
    return lambda model, task, source: task in _BOXES and Fault(
        model, raw_name(model, task)).shift(_rows(task, values, 0)).apply()


def _reordered(tasks: Mapping[str, Callable[[list[int]], list[int]]]) -> Mutation:
    """Take the channels of a task's output in another order."""
    def mutate(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
        if task not in tasks:
            return False
        count = {'classify': 6, 'semantic': 3}.get(
            task, 4 + _CLASSES + _MORE_ROWS.get(task, 0))
        return Fault(model, raw_name(model, task)).gather(
            tasks[task](list(range(count))), 1).apply()
    return mutate


def _permuted(order: list[int]) -> list[int]:
    return order[:4] + [5, 6, 7, 8, 4] + order[9:]


def _merged(order: list[int]) -> list[int]:
    return order[:5] + [4] + order[6:]


def _mirrored(order: list[int]) -> list[int]:
    return order[:9] + order[12:15] + order[9:12] + order[18:21] + order[15:18]


def _rolled(order: list[int]) -> list[int]:
    return order[1:] + order[:1]


def _swapped_scores(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    """Give each anchor the scores of its neighbour's neighbour."""
    if task not in _BOXES:
        return False
    anchors = [(index + 2) % _ANCHORS for index in range(_ANCHORS)]
    return Fault(model, raw_name(model, task)).swap_scores(
        anchors, _CLASSES, _MORE_ROWS.get(task, 0)).apply()


def _nan(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    shapes = {'classify': (1, 6), 'semantic': (1, 3, 32, 56), 'depth': (1, 1, 32, 56)}
    values = np.zeros(shapes.get(task, (1, 1, _ANCHORS)), np.float32)
    values.flat[5] = np.nan
    return Fault(model, raw_name(model, task)).shift(values).apply()


def _input(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    return Fault(model, 'images').scale(np.array(0.5, np.float32)).apply()


def _channels(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    return Fault(model, 'images').gather([2, 1, 0], 1).apply()


def _layer(weight: float, bias: float) -> Mutation:
    """Scale the weights and the bias of one layer."""
    def mutate(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
        node = next(node for node in weighted_nodes(source.graph) if node.output[0] == _LAYER)
        values = {tensor.name: tensor for tensor in source.graph.initializer}[node.input[2]]
        added = numpy_helper.to_array(values).reshape(1, -1, 1, 1).astype(np.float32)
        return Fault(model, _LAYER).scale(np.array(weight, np.float32)).shift(
            (bias - weight) * added).apply()
    return mutate


def _wrong_range(factor: float) -> Mutation:
    """Scale the range of one int8 tensor: values are clipped, or use few of the steps."""
    def mutate(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
        constants = {tensor.name: tensor for tensor in model.graph.initializer}
        quantized = [node for node in model.graph.node if node.op_type == 'QuantizeLinear']
        if not quantized:
            return False
        tensor = constants[quantized[len(quantized) // 2].input[1]]
        values = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array((values * factor).astype(values.dtype),
                                                tensor.name))
        return True
    return mutate


def _wrong_scale(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    """Read the codes of one int8 tensor with four times the scale that they were written with."""
    quantized = [node for node in model.graph.node if node.op_type == 'QuantizeLinear']
    if not quantized:
        return False
    node = quantized[len(quantized) // 2]
    reader = next(reader for reader in model.graph.node if node.output[0] in reader.input)
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    values = numpy_helper.to_array(constants[reader.input[1]])
    model.graph.initializer.append(numpy_helper.from_array(
        (4 * values).astype(values.dtype), 'fault/scale'))
    reader.input[1] = 'fault/scale'
    return True


def _masks(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    return task == 'segment' and Fault(model, _prototypes(model)).gather(
        [*range(1, 112), 111], 3).apply()


def _prototypes(model: onnx.ModelProto) -> str:
    made = {output for node in model.graph.node for output in node.output}
    own = 'edge_trt_ros/source/prototypes'
    return own if own in made else 'prototypes'


def _depth(model: onnx.ModelProto, task: str, source: onnx.ModelProto) -> bool:
    return task == 'depth' and Fault(model, raw_name(model, task)).scale(
        np.array(1.1, np.float32)).apply()


_SCORES = range(4, 4 + _CLASSES)
_OF_BOXES = {task: _permuted for task in _BOXES}
MUTATIONS: Mapping[str, Mutation] = MappingProxyType({
    'scores zeroed': _scaled({row: 0.0 for row in _SCORES}),
    'scores times 0.9': _scaled({row: 0.9 for row in _SCORES}),
    'scores swapped between anchors': _swapped_scores,
    'boxes shifted by 8 px': _shifted({0: 8.0, 1: 8.0}),
    'boxes shifted by 2 % of the image': _shifted({0: 0.02 * _WIDTH_PX}),
    'boxes scaled by 1.05': _scaled({2: 1.05, 3: 1.05}),
    'classes permuted': _reordered({**_OF_BOXES, 'classify': _rolled, 'semantic': _rolled}),
    'two classes merged': _reordered({task: _merged for task in _BOXES}),
    'input scale halved': _input,
    'red and blue swapped': _channels,
    'weights of a layer zeroed': _layer(0.0, 1.0),
    'weights of a layer times 0.9': _layer(0.9, 1.0),
    'bias of a layer dropped': _layer(1.0, 0.0),
    'range of an int8 tensor divided by 4': _wrong_range(0.25),
    'scale of an int8 tensor read times 4': _wrong_scale,
    'masks shifted by 4 px': _masks,
    'keypoints mirrored': _reordered({'pose': _mirrored}),
    'angles off by 5 degrees': lambda model, task, source: task == 'obb' and _shifted(
        {9: float(np.deg2rad(5))})(model, task, source),
    'depth off by 10 %': _depth,
    'NaN in one value': _nan})
