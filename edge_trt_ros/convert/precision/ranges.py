"""The values that the tensors of a network take on calibration images, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, TensorProto
import onnxruntime

from edge_trt_ros.convert.graph.edit import tensor_types
from edge_trt_ros.convert.graph.session import open_session, run_session
from edge_trt_ros.errors import ConfigurationError

PERCENTILE = 99.999
Feed = Mapping[str, NDArray[np.float32]]
_BINS = 4096
_LARGEST = 3.0e38


@dataclass(frozen=True)
class TensorRange:
    """
    What one tensor holds.

    :param bound: magnitude that int8 should reach; larger values are clipped.
    :param peak: largest magnitude of all; `_LARGEST` for what is not finite.
    """

    bound: float
    peak: float


def measure_ranges(model: onnx.ModelProto, feeds: Callable[[], Iterable[Feed]], method: str, *,
                   tensors: Collection[str], count: int,
                   progress: Callable[[float], None] = lambda fraction: None
                   ) -> dict[str, TensorRange]:
    """
    Run a network on calibration images and return the range of each of its float tensors.

    :param model: a float32 graph whose shapes are inferred; not modified.
    :param feeds: gives the inputs, image by image; called again for 'percentile'.
    :param method: how single images make a bound: 'moving_average' of their peaks, 'min_max' of
        all, or the 99.999th 'percentile' of the magnitudes of all.
    :param tensors: those that are to be quantised, for whom 'percentile' counts values.
    :param count: how many images `feeds` gives.
    :param progress: called with the fraction done; if it raises, this stops.
    :raises ConfigurationError: if there is not a single image.
    :raises ModelError: if ONNX Runtime cannot run the network.
    """
    kinds = tensor_types(model.graph)
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [name for name, kind in kinds.items()
             if kind == TensorProto.FLOAT and name not in constants]
    passes = 2 if method == 'percentile' else 1
    session = open_session(_with_peaks(model, names))
    peaks = []
    for index, feed in enumerate(feeds()):
        peaks.append([_finite(value) for value in run_session(
            session, [f'{name}/peak' for name in names], feed)])
        progress((index + 1) / count / passes)
    if not peaks:
        raise ConfigurationError('there are no calibration images')
    each = np.array(peaks)
    peak = dict(zip(names, each.max(axis=0).tolist()))
    bound = peak if method != 'moving_average' else dict(zip(names, each.mean(axis=0).tolist()))
    if method == 'percentile':
        wanted = [name for name in names if name in tensors]
        bound = peak | _percentiles(
            open_session(_with_outputs(model, wanted)), wanted, peak, feeds(),
            lambda done: progress(0.5 + done / count / 2))
    return {name: TensorRange(bound[name], peak[name]) for name in names}


def overflowing_nodes(graph: onnx.GraphProto, ranges: Mapping[str, TensorRange],
                      largest: float = 32768.0) -> set[str]:
    """
    Return the names of nodes whose values would not fit into fp16.

    :param graph: with the node names of `graph_edit.prepared`.
    :param ranges: of its tensors.
    :param largest: magnitude that still fits: half of fp16's 65504, for other images.
    """
    too_large = {name for name, one in ranges.items() if one.peak > largest}
    return {node.name for node in graph.node
            if not too_large.isdisjoint((*node.input, *node.output))}


def _with_peaks(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    for name in names:
        copy.graph.node.extend([
            helper.make_node('Abs', [name], [f'{name}/magnitude'], name=f'{name}/magnitude'),
            helper.make_node('ReduceMax', [f'{name}/magnitude'], [f'{name}/peak'], keepdims=0,
                             name=f'{name}/peak')])
        copy.graph.output.append(
            helper.make_tensor_value_info(f'{name}/peak', TensorProto.FLOAT, []))
    return copy


def _with_outputs(model: onnx.ModelProto, names: list[str]) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return copy


def _percentiles(session: onnxruntime.InferenceSession, names: list[str],
                 peak: Mapping[str, float], feeds: Iterable[Feed],
                 done: Callable[[int], None]) -> dict[str, float]:
    counts = {name: np.zeros(_BINS, np.int64) for name in names}
    for index, feed in enumerate(feeds):
        for name, values in zip(names, run_session(session, names, feed)):
            counts[name] += np.histogram(
                np.abs(values), _BINS, (0.0, max(peak[name], 1e-30)))[0]
        done(index + 1)
    return {name: peak[name] * (1 + int(np.searchsorted(
        np.cumsum(one), one.sum() * PERCENTILE / 100))) / _BINS for name, one in counts.items()}


def _finite(value: NDArray[np.float32]) -> float:
    number = float(value)
    return number if number < _LARGEST else _LARGEST
