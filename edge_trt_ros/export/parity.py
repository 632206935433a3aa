# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compare an ONNX with the network it was exported from, and find the first difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import ModelError
from edge_trt_ros.export.difference import argmax_agreement, difference, wide

Arrays = Sequence[NDArray[Any]]


@dataclass(frozen=True)
class Exported:
    """
    An ONNX and the network that it was exported from.

    :param model: the ONNX.
    :param framework: name and version of the framework, for messages.
    :param run: runs the network in its framework and returns the outputs in the ONNX's order.
    :param trace: yields (name of the ONNX's value, module of the network, its value) in the order
        of computation; None if the framework does not provide intermediate values.
    :param align: sorts the network's and the ONNX's output rows into the same order; None if
        their order is the same already.
    :param absolute: absolute tolerance of an output by its name, in addition; the default is 0.
    """

    model: onnx.ModelProto
    framework: str
    run: Callable[[Arrays], list[NDArray[Any]]]
    trace: Callable[[Arrays], Iterator[tuple[str, str, NDArray[Any]]]] | None = None
    align: Callable[[list[NDArray[Any]], list[NDArray[Any]]],
                    tuple[list[NDArray[Any]], list[NDArray[Any]]]] | None = None
    absolute: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Parity:
    """
    How well an ONNX agrees with its network.

    :param runs: number of inputs that were compared.
    :param max_error: largest absolute difference of a value.
    :param max_relative_error: largest difference relative to the largest value of its tensor.
    :param argmax_agreement: share of positions at which the argmax along axis 1 (classes of
        logits, channels of a map) is the same, 0..1; without those that rounding decides.
    :param problem: '' if they agree, else a clause that says where they differ.
    """

    runs: int
    max_error: float
    max_relative_error: float
    argmax_agreement: float
    problem: str = ''


def check_parity(exported: Exported, feeds: Sequence[Arrays]) -> Parity:
    """
    Run an ONNX and its network on the same inputs and compare the outputs.

    :param exported: the ONNX and its network.
    :param feeds: for each run, the inputs in the order of the ONNX's inputs.
    :raises ModelError: if ONNX Runtime cannot run the ONNX.
    """
    names = [output.name for output in exported.model.graph.output]
    session = open_session(exported.model)
    max_error = max_relative = 0.0
    agreed = positions = 0
    problem, failed_on = '', None
    for feed in feeds:
        expected, actual = exported.run(feed), _run(session, names, feed)
        if exported.align is not None:
            expected, actual = exported.align(expected, actual)
        for name, want, have in zip(names, expected, actual):
            if clause := difference(want, have, exported.absolute.get(name, 0.0)):
                problem, failed_on = problem or f"output '{name}' {clause}", failed_on or feed
            if want.shape != have.shape or not want.size or not np.isfinite(want).all():
                continue
            error = float(np.abs(wide(want) - wide(have)).max())
            max_error = max(max_error, error)
            max_relative = max(max_relative, error / max(float(np.abs(wide(want)).max()), 1e-12))
            same, clear = argmax_agreement(want, have)
            if same < clear and not exported.absolute:
                problem = problem or (f"output '{name}' has another argmax at {clear - same} of "
                                      f'{clear} positions')
                failed_on = failed_on or feed
            agreed, positions = agreed + same, positions + clear
    if failed_on is not None:
        problem += _first_divergence(exported, failed_on)
    agreement = agreed / positions if positions else 1.0
    return Parity(len(feeds), max_error, max_relative, agreement, problem)


def _first_divergence(exported: Exported, feed: Arrays) -> str:
    """Return the first value that differs from the network's, as the end of a sentence."""
    if exported.trace is None:
        return ''
    steps = list(exported.trace(feed))
    known = {name for node in exported.model.graph.node for name in node.output}
    # A name of the traced program that another tensor of the ONNX has as well says nothing.
    counts = Counter(name for name, _, _ in steps)
    shapes = _shapes(exported.model)
    steps = [(name, place, value) for name, place, value in steps
             if name in known and counts[name] == 1 and shapes.get(name, value.shape) in (
                 value.shape, ())]
    model = onnx.ModelProto()
    model.CopyFrom(exported.model)
    del model.graph.output[:]
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name, _, _ in steps)
    names = [name for name, _, _ in steps]
    try:
        values = _run(open_session(model), names, feed)
    except ModelError:
        return ''
    for (name, place, want), have in zip(steps, values):
        if clause := difference(want, have):
            return f"; the first diverging value is '{name}' in {place}, which {clause}"
    return ('; every step of the traced program agrees, so tracing froze something that changes '
            'between runs: a Python number, a random number, or a branch on data')


def _shapes(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a graph's tensors; () for one with open lengths."""
    inferred = onnx.shape_inference.infer_shapes(model).graph
    found = {}
    for value in (*inferred.value_info, *inferred.output):
        lengths = tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        found[value.name] = lengths if all(lengths) else ()
    return found


def _run(session: Any, names: list[str], feed: Arrays) -> list[NDArray[Any]]:
    return run_session(session, names, dict(zip(
        (tensor.name for tensor in session.get_inputs()), feed)))
