# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Adapt an ONNX graph so that this package can build it; this runs before the checks.

- The TensorRT plugin `EfficientNMS_TRT`, which ONNX Runtime lacks, is removed: its inputs, boxes
  and scores, become outputs, and the inference node runs NMS with its own thresholds.
- The input `orig_target_sizes` (RT-DETR and its variants), the size of the image in which boxes
  are returned, is set to the network's input size.
- Outputs that are cast to integers of 8 or 16 bits become int32: TensorRT has no smaller ones.
- The image input becomes [1, 3, height, width] of floats (see `adapt_image`).
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.graph.adapt_image import adapt_image
from edge_trt_ros.convert.graph.inputs import graph_inputs
from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.head import PLUGIN_BOXES, PLUGIN_SCORES, TARGET_SIZES

_SMALL = (TensorProto.UINT8, TensorProto.INT8, TensorProto.INT16, TensorProto.UINT16)
_PLUGIN = 'EfficientNMS_TRT'
_TENSORRT_DOMAINS = ('', 'TRT', 'trt.plugins')


def adapt_graph(model: onnx.ModelProto) -> tuple[str, ...]:
    """
    Adapt a model in place.

    :param model: the model, not checked yet.
    :returns: names of the adaptations, for `heads.Network.adapted`.
    :raises ModelError: for a use of the plugin that cannot be replaced.
    """
    adapted = []
    if any(node.op_type == _PLUGIN for node in model.graph.node):
        _drop_plugin(model.graph)
        adapted.append(_PLUGIN)
    if len(graph_inputs(model.graph)) == 2 and TARGET_SIZES in graph_inputs(model.graph):
        _fix_target_sizes(model.graph)
        adapted.append(TARGET_SIZES)
    _widen_outputs(model.graph)
    return (*adapted, *adapt_image(model.graph))


def _widen_outputs(graph: onnx.GraphProto) -> None:
    makers = {name: node for node in graph.node for name in node.output}
    for output in graph.output:
        maker, tensor = makers.get(output.name), output.type.tensor_type
        if maker is not None and maker.op_type == 'Cast' and tensor.elem_type in _SMALL:
            maker.attribute[0].i = tensor.elem_type = TensorProto.INT32


def _drop_plugin(graph: onnx.GraphProto) -> None:
    plugin, *more_plugins = [node for node in graph.node if node.op_type == _PLUGIN]
    options = {attribute.name: helper.get_attribute_value(attribute)
               for attribute in plugin.attribute}
    coding = options.get('box_coding', 0)
    kept = {value.name for value in graph.output} - set(plugin.output)
    if more_plugins or len(plugin.input) != 2 or coding not in range(len(PLUGIN_BOXES)) or kept \
            or plugin.domain not in _TENSORRT_DOMAINS:
        raise ModelError(
            f'the model ends in {_PLUGIN} with the inputs {list(plugin.input)}, box_coding '
            f'{coding} and other outputs {sorted(kept)}, expected two inputs, boxes and scores, '
            'box_coding 0 or 1 and no other outputs: export it without suppression')
    graph.node.remove(plugin)
    scores = [plugin.input[1]]
    if options.get('score_activation', 0):
        graph.node.append(helper.make_node('Sigmoid', scores, ['efficient_nms/activated']))
        scores = ['efficient_nms/activated']
    kind = graph.input[0].type.tensor_type.elem_type
    del graph.output[:]
    for source, name in (([plugin.input[0]], PLUGIN_BOXES[coding]), (scores, PLUGIN_SCORES)):
        graph.node.append(helper.make_node('Identity', source, [name]))
        value = onnx.ValueInfoProto(name=name)
        value.type.tensor_type.elem_type = kind
        for _ in range(3):
            value.type.tensor_type.shape.dim.add()
        graph.output.append(value)


def _fix_target_sizes(graph: onnx.GraphProto) -> None:
    sizes = graph_inputs(graph)[TARGET_SIZES]
    image = next(value for name, value in graph_inputs(graph).items() if name != TARGET_SIZES)
    lengths = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
    if len(lengths) != 4 or min(lengths[2:]) < 1:
        raise ModelError(f"the model has the input '{TARGET_SIZES}' and an image of open size "
                         f'{lengths}: export it with a fixed height and width')
    kind = helper.tensor_dtype_to_np_dtype(sizes.type.tensor_type.elem_type)
    graph.input.remove(sizes)
    graph.initializer.append(numpy_helper.from_array(
        np.array([[lengths[3], lengths[2]]], kind), TARGET_SIZES))
