# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run a graph with ONNX Runtime on the CPU, for measurements and comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
import onnxruntime

from edge_trt_ros.errors import first_line, ModelError
from edge_trt_ros.runtime.onnxruntime_cpu import NO_FILES
from edge_trt_ros.tensor_spec import TensorSpec


def open_session(model: onnx.ModelProto, as_written: bool = False) -> onnxruntime.InferenceSession:
    """
    Return a session of a graph.

    :param model: the graph; not modified.
    :param as_written: whether to run each Q/DQ node separately instead of as integer kernels.
    :raises ModelError: if ONNX Runtime cannot load it.
    """
    # With the inferred shapes of a torchvision RetinaNet, ONNX Runtime 1.32 assumes that it always
    # detects something, and fails if it does not.
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    del plain.graph.value_info[:]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.add_session_config_entry(*NO_FILES)
    if as_written:
        options.add_session_config_entry('session.disable_quant_qdq', '1')
    try:
        return onnxruntime.InferenceSession(plain.SerializeToString(), options,
                                            providers=['CPUExecutionProvider'])
    except Exception as error:  # ONNX Runtime has an exception class for each error code
        raise ModelError(f'ONNX Runtime {onnxruntime.__version__} cannot load the network: '
                         f'{first_line(error)}') from error


def run_session(session: onnxruntime.InferenceSession, names: list[str],
                feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
    """
    Return the values of outputs.

    :param session: a session of `open_session`.
    :param names: names of the outputs.
    :param feed: the input tensors by name.
    :raises ModelError: if the network fails on these inputs.
    """
    try:
        return [np.asarray(values) for values in session.run(names, dict(feed))]
    except Exception as error:  # ONNX Runtime has an exception class for each error code
        raise ModelError('ONNX Runtime cannot run the network on '
                         f"{', '.join(str(list(tensor.shape)) for tensor in feed.values())}: "
                         f'{first_line(error)}') from error


def largest_for_noise(model: onnx.ModelProto, inputs: Sequence[TensorSpec], tensor: str,
                      columns: int) -> float:
    """
    Return the largest of the first columns of an output for one noisy sample; 0 if unknown.

    :param model: the graph.
    :param inputs: its inputs, with fixed shapes.
    :param tensor: name of the output.
    :param columns: how many of the last axis are looked at.
    """
    random = np.random.default_rng(0)
    feed = {spec.name: random.uniform(0, 1, spec.shape).astype(spec.dtype) for spec in inputs}
    try:
        values = run_session(open_session(model), [tensor], feed)[0]
    except ModelError:
        return 0.0
    return float(values[..., :columns].max(initial=0))
