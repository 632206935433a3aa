# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Check that a graph computes its main layers in the precision that was asked for."""

from __future__ import annotations

import onnx
from onnx import TensorProto

from edge_trt_ros.convert.graph.edit import tensor_types, WEIGHTED_OPERATORS
from edge_trt_ros.errors import BuildError

_TYPES = {'fp16': TensorProto.FLOAT16, 'bf16': TensorProto.BFLOAT16}


def check_reached(model: onnx.ModelProto, precision: str) -> None:
    """
    Check that most convolutions and matrix products are in fp16 or bf16, or some in int8.

    :param model: the graph after the precision was written into it; not modified.
    :param precision: the precision that it is said to have.
    :raises BuildError: if it does not have it.
    """
    maker = {name: node for node in model.graph.node for name in node.output}
    main = [node for node in model.graph.node if node.op_type in WEIGHTED_OPERATORS]
    if precision == 'int8':
        # The accuracy budget decides how many; an engine without any is not int8.
        reached, needed = sum(
            getattr(maker.get(node.input[1]), 'op_type', '') == 'DequantizeLinear'
            for node in main), 1
    elif precision in _TYPES:
        types = tensor_types(onnx.shape_inference.infer_shapes(model).graph)
        reached = sum(types.get(node.input[0]) == _TYPES[precision] for node in main)
        needed = (len(main) + 1) // 2
    else:
        return
    if main and reached < needed:
        raise BuildError(
            f'{reached} of {len(main)} convolutions and matrix products would compute in '
            f'{precision}, expected at least {needed}: export the network with a fixed input '
            'shape, or choose fp32', code='precision_not_reached')
