# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Compare each layer of an engine with what the ONNX model's layer makes of the same input.

Rounding scatters values around the reference. A damaged layer shifts or scales them, which shows
in its own result long before it shows in the results of the network. The input is the engine's
own, so the errors of the layers before do not count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper

from edge_trt_ros.convert.compare.limits import Limits
from edge_trt_ros.convert.compare.verdict import Verdict
from edge_trt_ros.convert.graph.edit import weighted_nodes
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.convert.graph.tail import PREFIX

# A larger network is compared by its outputs alone: the values of all its layers would not fit.
_MAX_LAYER_BYTES = 1 << 30
_FEWEST_POSITIONS, _FOR_FEW = 64, 3.0
_SMALLEST = 1e-20
_TWIN = f'{PREFIX}/twin'


@dataclass(frozen=True)
class LayerError:
    """
    How far the result of a layer is from the reference.

    :param name: tensor that the layer computes.
    :param scatter: norm of the error without its systematic part, relative to the norm of the
        reference about the means of its channels.
    :param gain: factor that fits the values about their means best to the reference.
    :param shift: norm of the shifts of the channels' means, relative as `scatter` is.
    :param allowed: how many times the usual limits are allowed: more for a layer with so few
        values that rounding alone looks systematic.
    """

    name: str
    scatter: float
    gain: float
    shift: float
    allowed: float = 1.0


class LayerComparison:
    """
    Runs an engine's graph with a float twin of each layer.

    :param engine: the engine's graph for ONNX Runtime; not modified.
    :param source: the ONNX model.
    :raises ModelError: if ONNX Runtime cannot load the graph with the twins.
    """

    def __init__(self, engine: onnx.ModelProto, source: onnx.ModelProto) -> None:
        model, self._twins = _with_twins(engine, source)
        self._session = open_session(model) if self._twins else None
        self._errors: list[LayerError] = []
        self._is_too_large = False

    def add(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Compare the layers on one sample, given the input tensors."""
        if self._session is None or self._is_too_large:
            return
        names = [name for pair in self._twins.items() for name in pair]
        values = dict(zip(names, run_session(self._session, names, tensors)))
        self._is_too_large = sum(value.nbytes for value in values.values()) > _MAX_LAYER_BYTES
        self._errors += [layer_error(name, values[twin], values[name])
                         for name, twin in self._twins.items()]

    def verdict(self, limits: Limits) -> Verdict:
        """Return the largest errors of a layer, and those that exceed the limits."""
        verdict, layers = Verdict(), _mean_errors(self._errors)
        verdict.measured['compared'] = len(layers)
        if not layers:
            return verdict
        for name, text, limit in (('gain', 'is wrong by the factor', limits.layer_gain),
                                  ('shift', 'is shifted by', limits.layer_shift),
                                  ('scatter', 'scatters by', limits.scatter)):
            errors = [(abs(layer.gain - 1) if name == 'gain' else getattr(layer, name))
                      / layer.allowed for layer in layers]
            worst = int(np.argmax(errors))
            verdict.check(name, errors[worst], limit, f"layer '{layers[worst].name}' {text}")
        return verdict


def _mean_errors(errors: Iterable[LayerError]) -> list[LayerError]:
    by_name: dict[str, list[LayerError]] = {}
    for error in errors:
        by_name.setdefault(error.name, []).append(error)
    return [LayerError(name, *(float(np.mean([getattr(error, field) for error in same]))
                               for field in ('scatter', 'gain', 'shift', 'allowed')))
            for name, same in by_name.items()]


def _with_twins(engine: onnx.ModelProto, source: onnx.ModelProto
                ) -> tuple[onnx.ModelProto, dict[str, str]]:
    """Return the engine's graph with twins, and for each layer's result the twin's result."""
    model = onnx.ModelProto()
    model.CopyFrom(engine)
    graph = model.graph
    made = {name for node in graph.node for name in node.output} | {
        value.name for value in graph.input}
    weights = {tensor.name: tensor for tensor in source.graph.initializer}
    twins: dict[str, str] = {}
    added: set[str] = set()
    for node in weighted_nodes(source.graph):
        constants = [name for name in node.input[1:] if name]
        if not {node.input[0], node.output[0]} <= made or not weights.keys() >= set(constants):
            continue
        kind = weights[node.input[1]].data_type
        given = f'{_TWIN}/input_{kind}/{node.input[0]}'
        if given not in added:
            graph.node.append(helper.make_node('Cast', [node.input[0]], [given], to=kind,
                                               name=given))
        twin = onnx.NodeProto.FromString(node.SerializeToString())
        twin.name = f'{_TWIN}/layer/{node.output[0]}'
        twin.input[0] = given
        twin.input[1:] = [name and f'{_TWIN}/{name}' for name in node.input[1:]]
        twin.output[0] = twins[node.output[0]] = f'{_TWIN}/result/{node.output[0]}'
        for name in constants:
            if f'{_TWIN}/{name}' not in added:
                graph.initializer.append(weights[name])
                graph.initializer[-1].name = f'{_TWIN}/{name}'
        added |= {given, *(f'{_TWIN}/{name}' for name in constants)}
        graph.node.append(twin)
    returned = {output.name for output in graph.output}
    del graph.value_info[:]
    graph.output.extend(onnx.ValueInfoProto(name=name) for pair in twins.items() for name in pair
                        if name not in returned)
    return model, twins


def layer_error(name: str, expected: NDArray[Any], actual: NDArray[Any]) -> LayerError:
    """
    Return the error of one layer on one sample.

    :param name: tensor that the layer computes.
    :param expected: the reference, [1, channels, ...] of a convolution or [..., channels].
    :param actual: values of the same shape.
    """
    want, have = (_channels_last(values) for values in (expected, actual))
    count = len(want)
    # The means of a few positions say nothing about a channel: then compare the values as such.
    shifts = (have - want).mean(0) if count >= _FEWEST_POSITIONS else np.zeros(want.shape[1])
    means = want.mean(0) if count >= _FEWEST_POSITIONS else np.zeros(want.shape[1])
    want = want - means
    have = have - (means + shifts)
    spread = max(float(np.einsum('ij,ij->', want, want)), _SMALLEST)
    gain = float(np.einsum('ij,ij->', want, have)) / spread
    have -= want
    if spread <= _SMALLEST:  # a layer whose values never change has no factor
        gain = 1.0
    return LayerError(name, float(np.sqrt(np.einsum('ij,ij->', have, have) / spread)), gain,
                      float(np.sqrt(count * (shifts ** 2).sum() / spread)),
                      1.0 if count >= _FEWEST_POSITIONS else _FOR_FEW)


def _channels_last(values: NDArray[Any]) -> NDArray[np.float32]:
    wide = np.asarray(values, np.float32)
    if wide.ndim >= 4:
        wide = np.moveaxis(wide, 1, -1)
    return wide.reshape(-1, wide.shape[-1]) if wide.ndim else wide.reshape(1, 1)
