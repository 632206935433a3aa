"""An ONNX against the framework that it came from: the same values, or where they part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import ModelError

Arrays = Sequence[NDArray[Any]]
# What two ways through the same float32 network may differ by, for each value x of a tensor
# whose largest is m: ABSOLUTE + RELATIVE * |x| + OF_LARGEST * m. The last is a few roundings.
ABSOLUTE, RELATIVE, OF_LARGEST = 1e-4, 1e-4, 1e-6


@dataclass(frozen=True)
class Exported:
    """
    An ONNX beside the network that it was made of.

    :param model: the ONNX.
    :param framework: name and version of the framework, for messages.
    :param run: runs the network in its framework: inputs in, outputs in the ONNX's order out.
    :param trace: yields (name of the ONNX's value, where in the network, its value) in the order
        of computation; None where the framework does not show them.
    :param align: brings the network's and the ONNX's outputs into one order; None where they
        have one.
    :param absolute: what values of an output may differ by whatever their size, by its name;
        `ABSOLUTE` where it is not named.
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

    :param runs: how many inputs were compared.
    :param max_error: largest absolute difference of a value.
    :param max_relative_error: largest difference relative to the largest value of its tensor.
    :param argmax_agreement: share of places at which the largest value along axis 1 (classes of
        logits, channels of a map) is the same one, 0..1.
    :param problem: '' if they agree, else a clause that says where they do not.
    """

    runs: int
    max_error: float
    max_relative_error: float
    argmax_agreement: float
    problem: str = ''


def check_parity(exported: Exported, feeds: Sequence[Arrays]) -> Parity:
    """
    Run both on the same inputs.

    :param exported: the ONNX and its network.
    :param feeds: inputs in the order of the ONNX's inputs, once for each run.
    :raises ModelError: if ONNX Runtime cannot run the ONNX.
    """
    names = [output.name for output in exported.model.graph.output]
    session = open_session(exported.model)
    max_error = max_relative = 0.0
    agreed = places = 0
    problem, failed_on = '', None
    for feed in feeds:
        expected, actual = exported.run(feed), _run(session, names, feed)
        if exported.align is not None:
            expected, actual = exported.align(expected, actual)
        for name, want, have in zip(names, expected, actual):
            if clause := difference(want, have, exported.absolute.get(name, ABSOLUTE)):
                problem, failed_on = problem or f"output '{name}' {clause}", failed_on or feed
            if want.shape != have.shape or not want.size or not np.isfinite(want).all():
                continue
            error = float(np.abs(_wide(want) - _wide(have)).max())
            max_error = max(max_error, error)
            max_relative = max(max_relative, error / max(float(np.abs(_wide(want)).max()), 1e-12))
            axis = min(1, want.ndim - 1)
            same = want.argmax(axis) == have.argmax(axis) if want.ndim else np.ones(1, bool)
            agreed, places = agreed + int(same.sum()), places + same.size
    if failed_on is not None:
        problem += _first_divergence(exported, failed_on)
    agreement = agreed / places if places else 1.0
    return Parity(len(feeds), max_error, max_relative, agreement, problem)


def difference(want: NDArray[Any], have: NDArray[Any], absolute: float = ABSOLUTE) -> str:
    """Return a clause on how two tensors differ by more than rounding; '' if they do not."""
    if want.shape != have.shape:
        return f'has shape {list(have.shape)}, expected {list(want.shape)}'
    if not want.size:
        return ''
    if not np.isfinite(want).all():
        return f'has {int((~np.isfinite(want)).sum())} values that are NaN or infinite'
    want, have = _wide(want), _wide(have)
    error = np.abs(want - have)
    allowed = absolute + RELATIVE * np.abs(want) + OF_LARGEST * np.abs(want).max()
    if (error <= allowed).all():
        return ''
    place = np.unravel_index(int(np.nan_to_num(error - allowed, nan=np.inf).argmax()), want.shape)
    return (f'is {have[place]:.6g} instead of {want[place]:.6g} at {list(map(int, place))}, and '
            f'{int((~(error <= allowed)).sum())} of {want.size} values are off')


def _first_divergence(exported: Exported, feed: Arrays) -> str:
    """Return where the ONNX parts from its network first, as the end of a sentence."""
    if exported.trace is None:
        return ''
    steps = list(exported.trace(feed))
    known = {name for node in exported.model.graph.node for name in node.output}
    steps = [step for step in steps if step[0] in known]
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
            return f"; the first value to part is '{name}' in {place}, which {clause}"
    return ('; every step of the traced program agrees, so the network itself does something '
            'that tracing froze: a Python number, a random one, or a branch on data')


def _run(session: Any, names: list[str], feed: Arrays) -> list[NDArray[Any]]:
    return run_session(session, names, dict(zip(
        (one.name for one in session.get_inputs()), feed)))


def _wide(values: NDArray[Any]) -> NDArray[np.float64]:
    return values.astype(np.float64)
