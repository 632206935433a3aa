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
from edge_trt_ros.benchmark.gate.subject import Subject

# Changes the graph of an engine; returns whether the network has the part that breaks.
Mutation = Callable[[onnx.ModelProto, Subject], bool]
# Returns factors or values by row of the output, given the number of classes and the width.
Rows = Callable[[int, int], Mapping[int, float]]


def _rows(subject: Subject, values: Rows, default: float) -> NDArray[np.float32]:
    rows = np.full((1, subject.shape[1], 1), default, np.float32)
    for row, value in values(subject.classes, subject.width_px).items():
        rows[0, row] = value
    return rows


def _scaled(values: Rows) -> Mutation:
    return lambda model, subject: subject.has_boxes and Fault(
        model, subject.name_in(model)).scale(_rows(subject, values, 1)).apply()


def _shifted(values: Rows) -> Mutation:
    return lambda model, subject: subject.has_boxes and Fault(
        model, subject.name_in(model)).shift(_rows(subject, values, 0)).apply()


def _scores(factor: float) -> Rows:
    return lambda classes, width: {4 + index: factor for index in range(classes)}


def _reordered(order: Callable[[list[int], int], list[int]], *tasks: str) -> Mutation:
    """Take the channels of a task's output in another order."""
    def mutate(model: onnx.ModelProto, subject: Subject) -> bool:
        if subject.task not in tasks:
            return False
        indices = order(list(range(subject.shape[1])), subject.classes)
        return Fault(model, subject.name_in(model)).gather(indices, 1).apply()
    return mutate


def _permuted(order: list[int], classes: int) -> list[int]:
    if len(order) == classes:
        return order[1:] + order[:1]
    return order[:4] + order[5:4 + classes] + order[4:5] + order[4 + classes:]


def _merged(order: list[int], classes: int) -> list[int]:
    return order[:5] + [4] + order[6:]


def _mirrored(order: list[int], classes: int) -> list[int]:
    """Swap the keypoints left and right: 4 of 3 values each."""
    left, first, second, third, fourth = (
        order[:4 + classes], *(order[start:start + 3] for start in range(
            4 + classes, 4 + classes + 12, 3)))
    return left + second + first + fourth + third


def _swapped_scores(model: onnx.ModelProto, subject: Subject) -> bool:
    """Give each anchor the scores of its neighbour's neighbour."""
    if not subject.has_boxes:
        return False
    _, rows, anchors = subject.shape
    others = [(index + 2) % anchors for index in range(anchors)]
    return Fault(model, subject.name_in(model)).swap_scores(
        others, subject.classes, rows - 4 - subject.classes).apply()


def _nan(model: onnx.ModelProto, subject: Subject) -> bool:
    values = np.zeros((1, 1, subject.shape[2]) if subject.has_boxes else subject.shape,
                      np.float32)
    values.flat[min(5, values.size - 1)] = np.nan
    return Fault(model, subject.name_in(model)).shift(values).apply()


def _input(model: onnx.ModelProto, subject: Subject) -> bool:
    return Fault(model, subject.input).scale(np.array(0.5, np.float32)).apply()


def _channels(model: onnx.ModelProto, subject: Subject) -> bool:
    return Fault(model, subject.input).gather([2, 1, 0], 1).apply()


def _layer(weight: float, bias: float) -> Mutation:
    """Scale the weights and the bias of one layer."""
    def mutate(model: onnx.ModelProto, subject: Subject) -> bool:
        node = subject.layer
        values = {tensor.name: tensor for tensor in subject.source.graph.initializer}[
            node.input[2]]
        added = numpy_helper.to_array(values).reshape(1, -1, 1, 1).astype(np.float32)
        return Fault(model, node.output[0]).scale(np.array(weight, np.float32)).shift(
            (bias - weight) * added).apply()
    return mutate


def _wrong_range(factor: float) -> Mutation:
    """Scale the range of one int8 tensor: values are clipped, or use few of the steps."""
    def mutate(model: onnx.ModelProto, subject: Subject) -> bool:
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


def _wrong_scale(model: onnx.ModelProto, subject: Subject) -> bool:
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


def _masks(model: onnx.ModelProto, subject: Subject) -> bool:
    if subject.task != 'segment':
        return False
    width = subject.shape_of(1)[3]
    return Fault(model, subject.name_in(model, 1)).gather(
        [*range(1, width), width - 1], 3).apply()


def _depth(model: onnx.ModelProto, subject: Subject) -> bool:
    return subject.task == 'tensors' and Fault(model, subject.name_in(model)).scale(
        np.array(1.1, np.float32)).apply()


def _angles(model: onnx.ModelProto, subject: Subject) -> bool:
    return subject.task == 'obb' and _shifted(
        lambda classes, width: {4 + classes: float(np.deg2rad(5))})(model, subject)


_OF_BOXES = ('detect', 'segment', 'pose', 'obb')
MUTATIONS: Mapping[str, Mutation] = MappingProxyType({
    'scores zeroed': _scaled(_scores(0.0)),
    'scores times 0.9': _scaled(_scores(0.9)),
    'scores swapped between anchors': _swapped_scores,
    'boxes shifted by 8 px': _shifted(lambda classes, width: {0: 8.0, 1: 8.0}),
    'boxes shifted by 2 % of the image': _shifted(lambda classes, width: {0: 0.02 * width}),
    'boxes scaled by 1.05': _scaled(lambda classes, width: {2: 1.05, 3: 1.05}),
    'classes permuted': _reordered(_permuted, *_OF_BOXES, 'classify', 'semantic'),
    'two classes merged': _reordered(_merged, *_OF_BOXES),
    'input scale halved': _input,
    'red and blue swapped': _channels,
    'weights of a layer zeroed': _layer(0.0, 1.0),
    'weights of a layer times 0.9': _layer(0.9, 1.0),
    'bias of a layer dropped': _layer(1.0, 0.0),
    'range of an int8 tensor divided by 4': _wrong_range(0.25),
    'scale of an int8 tensor read times 4': _wrong_scale,
    'masks shifted by 4 px': _masks,
    'keypoints mirrored': _reordered(_mirrored, 'pose'),
    'angles off by 5 degrees': _angles,
    'depth off by 10 %': _depth,
    'NaN in one value': _nan})
