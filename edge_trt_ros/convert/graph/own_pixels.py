# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The pixels that a network reads if its first operators scale or normalise them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx

from edge_trt_ros.convert.graph.adapt_image import GRAY, INTEGERS
from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.inputs import graph_inputs

_MOVING = ('Cast', 'Identity', 'Transpose', 'Round', 'Reshape', 'Unsqueeze', 'Squeeze')
# What the values of a normalised image span, and how far from 0 they begin.
_SPAN, _OFFSET = (0.4, 10.0), 10.0
_PLAIN = {'mean': (0.0, 0.0, 0.0), 'std': (1.0, 1.0, 1.0)}


def pixels_inside(checked: CheckedOnnx) -> dict[str, Any]:
    """
    Return the fields of `ImageInput` that the graph determines; empty if it determines none.

    :param checked: a network that reads an image.
    """
    fields: dict[str, Any] = {'color_order': 'rgb'} if GRAY in checked.adapted else {}
    if INTEGERS in checked.adapted:
        fields |= {'scale': 1.0, **_PLAIN}
    steps = list(_first_steps(checked.model.graph))
    if not steps:
        return fields
    gain, offset = np.ones(1), np.zeros(1)
    for operator, values in steps:
        if operator in ('Sub', 'Add'):
            offset = offset + values * (1 if operator == 'Add' else -1)
        else:
            factor = values if operator == 'Mul' else 1 / values
            gain, offset = gain * factor, offset * factor
    scale = _scale(float(np.abs(gain).mean()), float(np.abs(offset).max()))
    if scale is None:
        return fields
    fields |= {'scale': scale, **_PLAIN}
    means = -offset / gain
    # The mean of blue is the smallest in ImageNet, whose numbers most networks use.
    if means.size == 3 and means[0] > 0 and means[1] > 0 and GRAY not in checked.adapted:
        fields['color_order'] = 'bgr' if means[0] < means[1] < means[2] else 'rgb'
    return fields


def _scale(gain: float, offset: float) -> float | None:
    """Return the scale of the values that a network reads; None if it is unknown."""
    if _SPAN[0] <= gain <= _SPAN[1] and offset <= _OFFSET:
        return 1 / 255 if offset or abs(gain - 1) > 1e-6 else None
    if _SPAN[0] <= 255 * gain <= _SPAN[1] and offset <= _OFFSET:
        return 1.0
    return 1.0 if abs(gain - 1) < 1e-6 else None  # only the mean of 0 to 255 is subtracted


def _first_steps(graph: onnx.GraphProto) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Yield the elementwise operators with constants that the image passes first."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    constants |= {node.output[0]: node.attribute[0].t for node in graph.node
                  if node.op_type == 'Constant' and node.attribute[0].name == 'value'}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    inputs = list(graph_inputs(graph))
    tensor = inputs[0] if len(inputs) == 1 else ''
    while len(readers.get(tensor, [])) == 1:
        node = readers[tensor][0]
        others = [name for name in node.input if name != tensor]
        if node.op_type in ('Add', 'Div', 'Mul', 'Sub') and len(others) == 1 \
                and others[0] in constants and (node.op_type in ('Add', 'Mul')
                                                or node.input[0] == tensor):
            values = onnx.numpy_helper.to_array(constants[others[0]]).astype(np.float64).ravel()
            if values.size not in (1, 3) or node.op_type == 'Div' and not values.all():
                return
            yield node.op_type, values
        elif node.op_type not in _MOVING or node.input[0] != tensor:
            return
        tensor = node.output[0]
