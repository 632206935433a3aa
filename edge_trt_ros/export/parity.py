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
from edge_trt_ros.export.difference import difference, rank_agreement, RANKS, wide

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
    :param exact: runs the network in float64; None, or returns None, if that is impossible.
    """

    model: onnx.ModelProto
    framework: str
    run: Callable[[Arrays], list[NDArray[Any]]]
    trace: Callable[[Arrays], Iterator[tuple[str, str, NDArray[Any]]]] | None = None
    align: Callable[[list[NDArray[Any]], list[NDArray[Any]]],
                    tuple[list[NDArray[Any]], list[NDArray[Any]]]] | None = None
    absolute: Mapping[str, float] = field(default_factory=dict)
    exact: Callable[[Arrays], list[NDArray[Any]] | None] | None = None


@dataclass
class Parity:
    """
    How well an ONNX agrees with its network.

    :param runs: number of inputs that were compared.
    :param max_error: largest absolute difference of a value.
    :param max_relative_error: largest difference relative to the largest value of its tensor.
    :param ranks: for each of the best ranks along axis 1 (classes of logits, channels of a map),
        at how many positions it agrees, and at how many rounding does not decide it.
    :param exact_error: largest difference of the ONNX from float64; None if that was impossible.
    :param own_error: largest difference of the framework's float32 from float64, likewise.
    :param problem: '' if they agree, else a clause that says where they differ.
    """

    runs: int = 0
    max_error: float = 0.0
    max_relative_error: float = 0.0
    ranks: NDArray[np.int64] = field(default_factory=lambda: np.zeros((RANKS, 2), np.int64))
    exact_error: float | None = None
    own_error: float | None = None
    problem: str = ''

    @property
    def argmax_agreement(self) -> float:
        """Share of positions at which the best class is the same, 0..1."""
        return _share(self.ranks[:1])

    @property
    def rank_agreement(self) -> float:
        """Share of the best ranks that are the same, 0..1."""
        return _share(self.ranks)

    def add(self, want: NDArray[Any], have: NDArray[Any], exact: NDArray[Any] | None,
            absolute: float, is_ranked: bool) -> str:
        """
        Compare one output of one run.

        :param want: the output of the framework.
        :param have: the output of the ONNX.
        :param exact: the output in float64; None if there is none.
        :param absolute: absolute tolerance in addition.
        :param is_ranked: whether another rank is a problem.
        :returns: a clause that says where they differ; '' if they agree.
        """
        clause = difference(want, have, absolute)
        if want.shape != have.shape or not want.size or not np.isfinite(want).all():
            return clause
        error = float(np.abs(wide(want) - wide(have)).max())
        self.max_error = max(self.max_error, error)
        self.max_relative_error = max(
            self.max_relative_error, error / max(float(np.abs(wide(want)).max()), 1e-12))
        rounding = None
        if exact is not None:
            rounding = wide(want) - exact
            self.exact_error = max(self.exact_error or 0.0, float(np.abs(exact - have).max()))
            self.own_error = max(self.own_error or 0.0, float(np.abs(rounding).max()))
            # A jump of the network, as between two sorted values, may be at another place in
            # float64. Then the ONNX still has to jump where the framework does.
            clause = clause and difference(exact, have, absolute, rounding)
        ranks = rank_agreement(want if exact is None else exact, have, rounding)
        self.ranks[:len(ranks)] += ranks
        lost, clear = int((ranks[:, 1] - ranks[:, 0]).sum()), int(ranks[:, 1].sum())
        if lost and is_ranked and not clause:
            return (f'has another order of the best values along axis 1 in {lost} of {clear} '
                    'comparisons that rounding does not decide')
        return clause


def check_parity(exported: Exported, feeds: Sequence[Arrays]) -> Parity:
    """
    Run an ONNX and its network on the same inputs and compare the outputs.

    The framework runs in float32 and, where the network allows it, in float64: the ONNX has to
    agree with one of them, with float64 within some times the framework's own rounding.

    :param exported: the ONNX and its network.
    :param feeds: for each run, the inputs in the order of the ONNX's inputs.
    :raises ModelError: if ONNX Runtime cannot run the ONNX.
    """
    names = [output.name for output in exported.model.graph.output]
    session, parity = open_session(exported.model), Parity(len(feeds))
    failed_on = None
    for feed in feeds:
        expected, actual = exported.run(feed), _run(session, names, feed)
        exact = _exact(exported, feed, expected)
        if exported.align is not None:
            expected, actual = exported.align(expected, actual)
        for name, want, have, true in zip(names, expected, actual, exact):
            clause = parity.add(want, have, true, exported.absolute.get(name, 0.0),
                                not exported.absolute)
            if clause and failed_on is None:
                parity.problem, failed_on = f"output '{name}' {clause}", feed
    if failed_on is not None:
        parity.problem += _first_divergence(exported, failed_on)
    return parity


def _exact(exported: Exported, feed: Arrays, expected: Arrays) -> list[NDArray[Any] | None]:
    """Return each output in float64, or None where there is none to compare with."""
    found = exported.exact(feed) if exported.exact and exported.align is None else None
    if found is None or len(found) != len(expected):
        return [None] * len(expected)
    return [value if value.dtype == np.float64 and want.dtype == np.float32
            and value.shape == want.shape and np.isfinite(value).all() else None
            for value, want in zip(found, expected)]


def _share(ranks: NDArray[np.int64]) -> float:
    agreed, clear = ranks.sum(0)
    return float(agreed / clear) if clear else 1.0


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
