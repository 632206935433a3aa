# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Compare each layer of an engine with what the ONNX model's layer makes of the same input.

Rounding scatters values around the reference. A damaged layer shifts or scales them, which shows
in its own result long before it shows in the results of the network. The input is the engine's
own, so the errors of the layers before do not count. Nor does the rounding of the results
themselves: the scores of a detector that sees nothing lie closely about -10, where bf16 counts
in steps of 0.06.
"""

from __future__ import annotations

from collections.abc import Mapping
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
_FEWEST_POSITIONS, _FEWEST_VALUES, _FOR_FEW = 256, 16384, 3.0
_SMALLEST = 1e-20
# fp16 counts the numbers next to zero in these steps. A spread of fewer steps is lost.
_FP16_STEP, _FEWEST_STEPS = 2.0 ** -24, 8
# Share of the sum of squares that is left of the differences of equal numbers.
_ALMOST_NONE = 1e-12
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
    :param spread: how far the values of the reference are from the means of their channels.
    :param size: how far they are from zero; both are roots of mean squares.
    """

    name: str
    scatter: float
    gain: float
    shift: float
    allowed: float = 1.0
    spread: float = 0.0
    size: float = 0.0

    def lost_in_rounding(self, limits: Limits) -> str:
        """Return why the precision cannot tell the layer's values apart; '' if it can."""
        step = max(2 * limits.rounding * self.size, _FP16_STEP * (limits.precision == 'fp16'))
        if not 0 < self.spread < _FEWEST_STEPS * step:
            return ''
        return (f' (its values differ by only {self.spread:.2g}, and {limits.precision} counts in '
                f'steps of {step:.2g} there, so that they are lost. Weights that were never '
                'trained do this: give trained ones, or choose fp32)')


class LayerComparison:
    """
    Runs an engine's graph with a float twin of each layer.

    :param engine: the engine's graph for ONNX Runtime; not modified.
    :param source: the ONNX model.
    :param rounding: see `Limits.rounding`.
    :raises ModelError: if ONNX Runtime cannot load the graph with the twins.
    """

    def __init__(self, engine: onnx.ModelProto, source: onnx.ModelProto, rounding: float = 0.0
                 ) -> None:
        self._rounding = rounding
        model, self._twins = _with_twins(engine, source)
        self._session = open_session(model) if self._twins else None
        self._sums: dict[str, LayerSums] = {}
        self._is_too_large = False

    def add(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Compare the layers on one sample, given the input tensors."""
        if self._session is None or self._is_too_large:
            return
        names = [name for pair in self._twins.items() for name in pair]
        values = dict(zip(names, run_session(self._session, names, tensors)))
        self._is_too_large = sum(value.nbytes for value in values.values()) > _MAX_LAYER_BYTES
        for name, twin in self._twins.items():
            self._sums.setdefault(name, LayerSums()).add(values[twin], values[name])

    def verdict(self, limits: Limits) -> Verdict:
        """Return the largest errors of a layer, and those that exceed the limits."""
        verdict = Verdict()
        layers = [sums.error(name, self._rounding) for name, sums in self._sums.items()]
        verdict.measured['compared'] = len(layers)
        if not layers:
            return verdict
        for name, text, limit in (('gain', 'is wrong by the factor', limits.layer_gain),
                                  ('shift', 'is shifted by', limits.layer_shift),
                                  ('scatter', 'scatters by', limits.scatter)):
            errors = [(abs(layer.gain - 1) if name == 'gain' else getattr(layer, name))
                      / layer.allowed for layer in layers]
            worst = int(np.argmax(errors))
            count = len(verdict.problems)
            verdict.check(name, errors[worst], limit, f"layer '{layers[worst].name}' {text}")
            if len(verdict.problems) > count:
                verdict.problems[-1] += layers[worst].lost_in_rounding(limits)
        return verdict


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


class LayerSums:
    """Sums over all samples of one layer, for each of its channels."""

    def __init__(self) -> None:
        self._count = 0
        # Sums of want, have, want * want, want * have and error * error.
        self._sums: NDArray[np.float64] = np.zeros((5, 0))

    def add(self, expected: NDArray[Any], actual: NDArray[Any]) -> None:
        """
        Add one sample.

        :param expected: the reference, [1, channels, ...] of a convolution or [..., channels].
        :param actual: values of the same shape.
        """
        want, have = (_channels_first(values) for values in (expected, actual))
        error = have - want
        sums = np.array([want.sum(1, np.float64), have.sum(1, np.float64), *(
            np.einsum('ij,ij->i', first, second, dtype=np.float64)
            for first, second in ((want, want), (want, have), (error, error)))])
        self._sums = self._sums + sums if self._count else sums
        self._count += want.shape[1]

    def error(self, name: str, rounding: float = 0.0) -> LayerError:
        """
        Return the error.

        :param name: name of the layer.
        :param rounding: see `Limits.rounding`; an error of this size is none.
        """
        count = self._count
        want, have, squares, products, errors = self._sums
        # The means of a few positions say nothing: then compare the values as such.
        has_means = count >= _FEWEST_POSITIONS
        means, shifts = (want / count, (have - want) / count) if has_means else (
            np.zeros(len(want)), np.zeros(len(want)))
        # A layer whose values never change has no factor.
        spread = float((squares - count * means ** 2).sum())
        changes = spread > max(_SMALLEST, _ALMOST_NONE * float(squares.sum()))
        spread = spread if changes else _SMALLEST
        gain = float((products - count * means * (means + shifts)).sum()) / spread \
            if changes else 1.0
        scatter = float((errors - count * shifts ** 2).sum() - rounding ** 2 * squares.sum())
        beyond = np.maximum(np.abs(shifts) - rounding * np.abs(means), 0)
        has_few = count * len(want) < _FEWEST_VALUES
        return LayerError(name, float(np.sqrt(max(scatter, 0.0) / spread)), gain,
                          float(np.sqrt(count * (beyond ** 2).sum() / spread)),
                          _FOR_FEW if has_few else 1.0,
                          *(float(np.sqrt(total / (count * len(want)))) for total in (
                              spread if changes else 0.0, squares.sum())))


def _channels_first(values: NDArray[Any]) -> NDArray[np.float32]:
    wide = np.asarray(values, np.float32)
    if wide.ndim >= 4:
        wide = wide.reshape(wide.shape[0], wide.shape[1], -1)
        return wide[0] if len(wide) == 1 else np.moveaxis(wide, 1, 0).reshape(wide.shape[1], -1)
    return wide.reshape(-1, wide.shape[-1]).T if wide.ndim else wide.reshape(1, 1)
