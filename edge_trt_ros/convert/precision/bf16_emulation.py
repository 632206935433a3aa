# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Emulate a bf16 graph in float32 with rounding, because CPUs run no bf16 convolutions."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.graph.edit import tensor_types


def emulated_bf16(model: onnx.ModelProto) -> onnx.ModelProto:
    """
    Return a copy in which each bf16 tensor is a float32 tensor with values rounded to bf16.

    Sums inside an operator stay in float32, as they do on a GPU.

    :param model: a result of `half.to_low_precision`; not modified.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    types = tensor_types(graph)
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.BFLOAT16:
            values = numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    nodes = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in ('to', 'dtype') and attribute.i == TensorProto.BFLOAT16:
                attribute.i = TensorProto.FLOAT
        rounded = [name for name in node.output if types.get(name) == TensorProto.BFLOAT16]
        node.output[:] = [f'{name}/exact' if name in rounded else name for name in node.output]
        nodes.append(onnx.NodeProto.FromString(node.SerializeToString()))
        for name in rounded:
            nodes += [helper.make_node('Cast', [f'{name}/exact'], [f'{name}/bf16'],
                                       to=TensorProto.BFLOAT16, name=f'{name}/round'),
                      helper.make_node('Cast', [f'{name}/bf16'], [name], to=TensorProto.FLOAT,
                                       name=f'{name}/widen')]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return copy
