# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Measure the ranges of a network's tensors on calibration images, with ONNX Runtime."""

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
    The range of a tensor.

    :param bound: magnitude that int8 represents; larger values are clipped.
    :param peak: maximum magnitude; `_LARGEST` for values that are not finite.
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
    :param feeds: returns the input tensors of each image; called again for 'percentile'.
    :param method: how a bound is computed: 'moving_average' of the peaks of the images,
        'min_max' of all images, or the 99.999th 'percentile' of the magnitudes of all images.
    :param tensors: names of the tensors to quantise; 'percentile' counts only their values.
    :param count: number of images that `feeds` returns.
    :param progress: called with the fraction done; if it raises, the measurement stops.
    :raises ConfigurationError: if there are no images.
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
    Return the names of nodes whose values would overflow in fp16.

    :param graph: the graph, with node names as `graph.edit.prepared` sets them.
    :param ranges: ranges of its tensors.
    :param largest: maximum magnitude: half of fp16's 65504, as a margin for other images.
    """
    too_large = {name for name, measured in ranges.items() if measured.peak > largest}
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
        np.cumsum(bins), bins.sum() * PERCENTILE / 100))) / _BINS
            for name, bins in counts.items()}


def _finite(value: NDArray[np.float32]) -> float:
    number = float(value)
    return number if number < _LARGEST else _LARGEST
