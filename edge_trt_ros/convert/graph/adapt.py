"""
Networks that are detectors but for their ends, brought to one image in and numbers out.

- `EfficientNMS_TRT`, a plugin of TensorRT that ONNX Runtime lacks, gives way to the boxes and
  scores that go into it: candidates are suppressed by the node, with thresholds that can change.
- `orig_target_sizes` (RT-DETR and its kin), the size to give boxes in, becomes the network's own.
- An image without a batch, [3, height, width] (torchvision's detectors), gets one of 1.
- The inputs of a network that reads texts (`input_ids` and its kin) become one.
"""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edge_trt_ros.convert.graph.edit import all_nodes
from edge_trt_ros.errors import ModelError
from edge_trt_ros.manifest import TOKENS

TARGET_SIZES = 'orig_target_sizes'
# What a network that reads texts may take, in the order of the rows of what it takes instead.
_TEXT_INPUTS = ('input_ids', 'attention_mask', 'token_type_ids')
# Tensors that are outputs from now on; the head is told by them.
PLUGIN_BOXES = {0: 'efficient_nms/corners', 1: 'efficient_nms/centres'}
PLUGIN_SCORES = 'efficient_nms/scores'
_PLUGIN = 'EfficientNMS_TRT'
_TENSORRT_DOMAINS = ('', 'TRT', 'trt.plugins')


def adapt_graph(model: onnx.ModelProto) -> tuple[str, ...]:
    """
    Adapt a model in place.

    :param model: just read, unchecked.
    :returns: what was adapted, as names for `head_detection`.
    :raises ModelError: for a use of the plugin that cannot be replaced.
    """
    done = []
    if any(node.op_type == _PLUGIN for node in model.graph.node):
        _drop_plugin(model.graph)
        done.append(_PLUGIN)
    if len(_inputs(model.graph)) == 2 and TARGET_SIZES in _inputs(model.graph):
        _fix_target_sizes(model.graph)
        done.append(TARGET_SIZES)
    if reads_text(model.graph):
        _join_tokens(model.graph)
        done.append(TOKENS)
    inputs = list(_inputs(model.graph).values())
    if len(inputs) == 1 and len(inputs[0].type.tensor_type.shape.dim) == 3 \
            and inputs[0].type.tensor_type.shape.dim[0].dim_value == 3:
        _give_batch(model.graph, inputs[0])
    return tuple(done)


def reads_text(graph: onnx.GraphProto) -> bool:
    """Return whether a network takes the tokens of a text."""
    inputs = _inputs(graph)
    return _TEXT_INPUTS[0] in inputs and set(inputs) <= set(_TEXT_INPUTS) and all(
        len(one.type.tensor_type.shape.dim) == 2 and one.type.tensor_type.elem_type in (
            onnx.TensorProto.INT64, onnx.TensorProto.INT32) for one in inputs.values())


def forget_open_shapes(graph: onnx.GraphProto) -> None:
    """Drop what an exporter wrote down for open dimensions: it would contradict fixed ones."""
    del graph.value_info[:]
    for output in graph.output:
        for dim in output.type.tensor_type.shape.dim:
            if dim.HasField('dim_param'):
                dim.Clear()


def _inputs(graph: onnx.GraphProto) -> dict[str, onnx.ValueInfoProto]:
    weights = {tensor.name for tensor in graph.initializer}
    return {value.name: value for value in graph.input if value.name not in weights}


def _drop_plugin(graph: onnx.GraphProto) -> None:
    plugin, *others = [node for node in graph.node if node.op_type == _PLUGIN]
    options = {one.name: helper.get_attribute_value(one) for one in plugin.attribute}
    coding = options.get('box_coding', 0)
    kept = {value.name for value in graph.output} - set(plugin.output)
    if others or len(plugin.input) != 2 or coding not in PLUGIN_BOXES or kept \
            or plugin.domain not in _TENSORRT_DOMAINS:
        raise ModelError(
            f'the model ends in {_PLUGIN} with the inputs {list(plugin.input)}, box_coding '
            f'{coding} and other outputs {sorted(kept)}: only one with boxes and scores that ends '
            'the network is known; export it without suppression')
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
    sizes = _inputs(graph)[TARGET_SIZES]
    image = next(value for name, value in _inputs(graph).items() if name != TARGET_SIZES)
    lengths = [dim.dim_value for dim in image.type.tensor_type.shape.dim]
    if len(lengths) != 4 or min(lengths[2:]) < 1:
        raise ModelError(f"the model takes '{TARGET_SIZES}' beside an image of open size "
                         f'{lengths}: export it with a fixed height and width')
    kind = helper.tensor_dtype_to_np_dtype(sizes.type.tensor_type.elem_type)
    graph.input.remove(sizes)
    graph.initializer.append(numpy_helper.from_array(
        np.array([[lengths[3], lengths[2]]], kind), TARGET_SIZES))


def _join_tokens(graph: onnx.GraphProto) -> None:
    inputs = _inputs(graph)
    length = inputs[_TEXT_INPUTS[0]].type.tensor_type.shape.dim[1]
    joined = helper.make_tensor_value_info(TOKENS, onnx.TensorProto.INT32, [1, 3, 1, None])
    joined.type.tensor_type.shape.dim[3].CopyFrom(length)
    nodes = []
    graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), f'{TOKENS}/height'))
    for row, name in enumerate(_TEXT_INPUTS):
        if name not in inputs:
            continue
        index = f'{TOKENS}/row_{row}'
        graph.initializer.append(numpy_helper.from_array(np.array(row, np.int64), index))
        nodes += [
            helper.make_node('Gather', [TOKENS, index], [f'{name}/row'], axis=1),
            helper.make_node('Squeeze', [f'{name}/row', f'{TOKENS}/height'], [f'{name}/narrow']),
            helper.make_node('Cast', [f'{name}/narrow'], [name],
                             to=inputs[name].type.tensor_type.elem_type)]
        graph.input.remove(inputs[name])
    for place, node in enumerate(nodes):
        graph.node.insert(place, node)
    graph.input.append(joined)
    forget_open_shapes(graph)


def _give_batch(graph: onnx.GraphProto, image: onnx.ValueInfoProto) -> None:
    inner = f'{image.name}/without_batch'
    for node in all_nodes(graph):
        node.input[:] = [inner if name == image.name else name for name in node.input]
    axes = f'{inner}/axes'
    graph.initializer.append(numpy_helper.from_array(np.array([0], np.int64), axes))
    graph.node.insert(0, helper.make_node('Squeeze', [image.name, axes], [inner]))
    image.type.tensor_type.shape.dim.insert(0, onnx.TensorShapeProto.Dimension(dim_value=1))
