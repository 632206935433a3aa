# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Give a graph an image input [batch, 3, height, width] of floats, which every runtime fills.

- [height, width, 3] at the end (NHWC, TensorFlow) is transposed in the graph.
- One channel becomes the weighted sum of red, green and blue.
- uint8, int8 and int32 are rounded and cast in the graph.
- [3, height, width] without a batch (torchvision's detectors) gets one.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.graph.edit import all_nodes
from edge_trt_ros.convert.graph.inputs import graph_inputs

GRAY, INTEGERS, LAST, UNBATCHED = 'gray', 'integers', 'channels_last', 'unbatched'
# What is done in the graph, for `--check`.
SENTENCES = MappingProxyType({
    GRAY: 'the network reads one channel: the graph computes it from red, green and blue',
    INTEGERS: 'the network reads integers: the graph rounds and casts values of 0 to 255',
    LAST: 'the network reads [height, width, channels]: the graph transposes the image',
    UNBATCHED: 'the network reads one image without a batch: the graph removes the batch of 1'})
_INTEGERS = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT32)
_CHANNELS = (1, 3)
# Shorter sides are no picture: such a tensor of three dimensions is something else.
_MIN_SIDE = 16
# Rec. 601, as OpenCV's conversion to gray.
_LUMA = (0.299, 0.587, 0.114)


def adapt_image(graph: onnx.GraphProto) -> tuple[str, ...]:
    """
    Adapt the image input of a graph in place.

    :param graph: the graph; one whose only input is no picture is not changed.
    :returns: names of the adaptations, keys of `SENTENCES`.
    """
    inputs = list(graph_inputs(graph).values())
    layout = _layout(inputs[0]) if len(inputs) == 1 else ''
    if not layout:
        return ()
    image = inputs[0]
    dims = image.type.tensor_type.shape.dim
    channels = dims[layout.index('C')].dim_value
    adapted = [name for name, needed in (
        (GRAY, channels == 1), (INTEGERS, image.type.tensor_type.elem_type in _INTEGERS),
        (LAST, layout.endswith('C')), (UNBATCHED, 'N' not in layout)) if needed]
    if adapted:
        _insert(graph, image, adapted)
        _declare(image, layout)
    return tuple(adapted)


def _layout(image: onnx.ValueInfoProto) -> str:
    """Return the axes of a picture, as 'NCHW'; '' if the tensor is none."""
    lengths = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
    if len(lengths) == 4:
        if lengths[1] in (*_CHANNELS, 0) and not (lengths[1] == 0 and lengths[3] in _CHANNELS):
            return 'NCHW'
        return 'NHWC' if lengths[3] in _CHANNELS else ''
    if len(lengths) == 3:
        for layout, channels, sides in (('CHW', lengths[0], lengths[1:]),
                                        ('HWC', lengths[2], lengths[:2])):
            if channels in _CHANNELS and all(side == 0 or side >= _MIN_SIDE for side in sides):
                return layout
    return ''


def _insert(graph: onnx.GraphProto, image: onnx.ValueInfoProto, adapted: Sequence[str]) -> None:
    """Insert the nodes that turn the new input into the one that the network reads."""
    prefix, kind = f'{image.name}/adapted', image.type.tensor_type.elem_type
    readers = [node for node in all_nodes(graph) if image.name in node.input]
    nodes: list[onnx.NodeProto] = []

    def append(operator: str, *inputs: str, **attributes: object) -> str:
        output = f'{prefix}_{len(nodes)}'
        nodes.append(helper.make_node(operator, list(inputs), [output], name=output, **attributes))
        return output

    def constant(name: str, value: object, dtype: type) -> str:
        graph.initializer.append(numpy_helper.from_array(
            np.array(value, dtype), f'{prefix}/{name}'))
        return f'{prefix}/{name}'
    last = image.name
    if GRAY in adapted:
        dtype = np.float16 if kind == TensorProto.FLOAT16 else np.float32
        parts = [append('Mul', append('Gather', last, constant(f'channel_{index}', [index],
                                                               np.int64), axis=1),
                        constant(f'luma_{index}', weight, dtype))
                 for index, weight in enumerate(_LUMA)]
        last = append('Add', append('Add', *parts[:2]), parts[2])
    if INTEGERS in adapted:
        last = append('Round', last)
    if LAST in adapted:
        last = append('Transpose', last, perm=[0, 2, 3, 1])
    if UNBATCHED in adapted:
        last = append('Gather', last, constant('first', 0, np.int64), axis=0)
    if INTEGERS in adapted:
        # TensorRT has no integers of 8 bits inside of a network.
        last = append('Cast', last, to=TensorProto.INT32)
    for node in readers:
        node.input[:] = [last if name == image.name else name for name in node.input]
    for node in reversed(nodes):
        graph.node.insert(0, node)


def _declare(image: onnx.ValueInfoProto, layout: str) -> None:
    """Declare the input as [batch, 3, height, width] of floats."""
    tensor = image.type.tensor_type
    old = {axis: onnx.TensorShapeProto.Dimension.FromString(dim.SerializeToString())
           for axis, dim in zip(layout, tensor.shape.dim)}
    if tensor.elem_type in _INTEGERS:
        tensor.elem_type = TensorProto.FLOAT
    del tensor.shape.dim[:]
    one, three = (onnx.TensorShapeProto.Dimension(dim_value=length) for length in (1, 3))
    tensor.shape.dim.extend([old.get('N', one), three, old['H'], old['W']])
