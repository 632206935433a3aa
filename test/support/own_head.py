# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A network with outputs that no built-in head recognises."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto
from support.models import dense_model


def corners_model() -> onnx.ModelProto:
    """Return a network whose outputs no built-in head has."""
    model = dense_model((96, 64), weight=1.0)
    half = np.array([[1, 0, -.5, 0], [0, 1, 0, -.5], [1, 0, .5, 0], [0, 1, 0, .5]], np.float32)
    constants = {'half': half, 'boxes_end': np.array([4], np.int64),
                 'end': np.array([99], np.int64), 'zero': np.array([0], np.int64),
                 'rows_axis': np.array([1], np.int64)}
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in constants.items())
    model.graph.node.extend([
        helper.make_node('Slice', ['output0', 'zero', 'boxes_end', 'rows_axis'], ['centres']),
        helper.make_node('MatMul', ['half', 'centres'], ['corners']),
        helper.make_node('Slice', ['output0', 'boxes_end', 'end', 'rows_axis'], ['by_class']),
        helper.make_node('Transpose', ['by_class'], ['confidences'], perm=[0, 2, 1])])
    cells = model.graph.output[0].type.tensor_type.shape.dim[2].dim_value
    del model.graph.output[:]
    model.graph.output.extend([
        helper.make_tensor_value_info('corners', TensorProto.FLOAT, [1, 4, cells]),
        helper.make_tensor_value_info('confidences', TensorProto.FLOAT, [1, cells, 3])])
    onnx.checker.check_model(model, full_check=True)
    return model
