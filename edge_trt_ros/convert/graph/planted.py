# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Plants values in the output of a network, for benchmarks with a known number of objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from edge_trt_ros.convert.graph.load import load_external_data, read_onnx


def planted_network(path: Path, values: NDArray[np.float32], gain: float) -> bytes:
    """
    Return a network whose output is gain * output + values; it still does all of its work.

    :param path: an ONNX file with one output.
    :param values: float32, added to the output, of its shape.
    :param gain: small, so that the network's own values do not matter.
    :returns: an ONNX file with its weights inside.
    :raises ModelError: if the file cannot be read.
    """
    file = read_onnx(path)
    load_external_data(file, path)
    graph = file.model.graph
    output = graph.output[0].name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [f'{name}_network' if name == output else name for name in names]
    dtype = helper.tensor_dtype_to_np_dtype(graph.output[0].type.tensor_type.elem_type)
    graph.initializer.extend([numpy_helper.from_array(np.array(gain, dtype), 'planted_gain'),
                              numpy_helper.from_array(values.astype(dtype), 'planted_values')])
    graph.node.extend([
        helper.make_node('Mul', [f'{output}_network', 'planted_gain'], ['planted_rest']),
        helper.make_node('Add', ['planted_rest', 'planted_values'], [output])])
    data: bytes = file.model.SerializeToString()
    return data
