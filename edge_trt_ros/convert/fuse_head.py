"""
Append the decoding of a head to the graph, so that an engine returns K candidates.

The raw output of a YOLO network is some 8,400 x 84 numbers, of which a few dozen matter. The
appended nodes take the best class of each anchor, keep the K best anchors and turn centre and
size into corners, so that only K candidates leave the device. All of it is standard ONNX,
and so runs wherever the network does.

Outputs: `boxes_xyxy` float32 [1, K, 4] in network pixels, `scores` float32 [1, K] descending,
`class_ids` int32 [1, K], and `checksum` float32 [1], the sum of the magnitudes of the raw
output: a NaN or an infinity anywhere in it reaches the host in four bytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.convert.check_onnx import CheckedOnnx
from edge_trt_ros.convert.head_detection import DetectionHead
from edge_trt_ros.errors import ModelError

PREFIX = 'edge_trt_ros'
# ReduceMax and ReduceSum over axes given as an input, as written below.
_MIN_OPSET = 18
_OUTPUTS = ('boxes_xyxy', 'scores', 'class_ids', 'checksum')
FUSED_HEADS = {'yolo_dense': 'candidates', 'yolo_anchors': 'candidates',
               'yolo_end_to_end': 'candidates_final'}


def fuse_head(checked: CheckedOnnx, head: DetectionHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model that ends in candidates (see the module).

    :param checked: the model; not modified.
    :param head: its head.
    :param max_candidates: K; fewer if the head has fewer boxes.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    raw = model.graph.output[0].name
    tail = GraphTail(model.graph)
    if checked.outputs[0].dtype == 'float16':
        raw = tail.node('Cast', [raw], to=TensorProto.FLOAT)
    kept = min(max_candidates, head.boxes)
    if head.name == 'yolo_dense':
        append_dense(tail, raw, checked.outputs[0].shape[1], kept)
    elif head.name == 'yolo_anchors':
        _append_anchors(tail, raw, checked.outputs[0].shape[2], kept)
    else:
        _append_end_to_end(tail, raw, kept)
    tail.node('ReduceSum', [tail.node('Abs', [raw]), tail.ints(1, 2)],
              'checksum', keepdims=0)
    del model.graph.output[:]
    model.graph.output.extend([
        helper.make_tensor_value_info('boxes_xyxy', TensorProto.FLOAT, [1, kept, 4]),
        helper.make_tensor_value_info('scores', TensorProto.FLOAT, [1, kept]),
        helper.make_tensor_value_info('class_ids', TensorProto.INT32, [1, kept]),
        helper.make_tensor_value_info('checksum', TensorProto.FLOAT, [1])])
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # onnx raises a type of its own for each of its passes
        raise ModelError(f'the head could not be fused into the graph: {error}') from error
    return model


def copy_for_fusing(checked: CheckedOnnx) -> onnx.ModelProto:
    """
    Return a copy of the model with an opset in which the appended nodes can be written.

    :raises ModelError: if the model cannot be brought to it.
    """
    model = onnx.ModelProto()
    model.CopyFrom(checked.model)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ('', 'ai.onnx'))
    if opset < _MIN_OPSET:
        try:
            model = onnx.version_converter.convert_version(model, _MIN_OPSET)
        except Exception as error:  # the converter raises RuntimeError and worse
            raise ModelError(f'the model has opset {opset} and cannot be brought to {_MIN_OPSET} '
                             f'({error}): export it with opset {_MIN_OPSET} or later') from error
        for entry in checked.model.metadata_props:
            if entry.key not in {kept.key for kept in model.metadata_props}:
                model.metadata_props.add(key=entry.key, value=entry.value)
    return model


class GraphTail:
    """Appends nodes and constants to a graph under names that are ours alone."""

    def __init__(self, graph: onnx.GraphProto, outputs: tuple[str, ...] = _OUTPUTS) -> None:
        self._graph = graph
        self._constants: set[str] = set()
        taken = {name for node in graph.node for name in (*node.input, *node.output)}
        clash = taken & set(outputs)
        if clash:
            raise ModelError(f"the graph already has tensors named {', '.join(sorted(clash))}: "
                             'export it without its own decoding')

    def node(self, operator: str, inputs: list[str], *outputs: str, **attributes: Any) -> str:
        """Append a node; return the name of its last output."""
        name = f'{PREFIX}/{operator}_{len(self._graph.node)}'
        self._graph.node.append(helper.make_node(
            operator, inputs, outputs or [f'{name}_output'], name=name, **attributes))
        return str(self._graph.node[-1].output[-1])

    def ints(self, *values: int) -> str:
        """Return the name of a constant int64 vector."""
        return self._constant(np.array(values, np.int64))

    def half(self) -> str:
        """Return the name of a constant 0.5, float32."""
        return self._constant(np.array(0.5, np.float32))

    def columns(self, tensor: str, start: int, stop: int, axis: int) -> str:
        """Append a slice of a tensor along one axis."""
        return self.node('Slice', [tensor, self.ints(start), self.ints(stop), self.ints(axis)])

    def rows(self, tensor: str, order: str, kept: int, columns: int) -> str:
        """Append the picking of rows of [1, N, columns] by an order [1, kept]."""
        wide = self.node('Expand', [self.node('Unsqueeze', [order, self.ints(2)]),
                                    self.ints(1, kept, columns)])
        return self.node('GatherElements', [tensor, wide], axis=1)

    def _constant(self, values: NDArray[Any]) -> str:
        name = f'{PREFIX}/constant_' + '_'.join(map(str, values.ravel()))
        if name not in self._constants:
            self._constants.add(name)
            self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name


def append_dense(tail: GraphTail, raw: str, rows: int, kept: int) -> None:
    """Append the choice of the best candidates of [1, rows, anchors]: 4 of box, then classes."""
    by_class = tail.columns(raw, 4, rows, 1)  # [1, C, N]
    best = tail.node('ReduceMax', [by_class, tail.ints(1)], keepdims=0)  # [1, N]
    class_of = tail.node('ArgMax', [by_class], axis=1, keepdims=0)
    order = tail.node('TopK', [best, tail.ints(kept)], 'scores', f'{PREFIX}/order', axis=1)
    classes = tail.node('GatherElements', [class_of, order], axis=1)
    tail.node('Cast', [classes], 'class_ids', to=TensorProto.INT32)
    boxes = tail.node('Transpose', [tail.columns(raw, 0, 4, 1)], perm=[0, 2, 1])  # [1, N, 4]
    boxes = tail.rows(boxes, order, kept, 4)
    # Sums and not a matrix product: TF32 would cost a network of 640 half a pixel.
    centre = tail.columns(boxes, 0, 2, 2)
    half = tail.node('Mul', [tail.columns(boxes, 2, 4, 2), tail.half()])
    tail.node('Concat', [tail.node('Sub', [centre, half]), tail.node('Add', [centre, half])],
              'boxes_xyxy', axis=2)


def _append_anchors(tail: GraphTail, raw: str, columns: int, kept: int) -> None:
    rows = tail.node('Transpose', [raw], perm=[0, 2, 1])  # [1, 5 + C, N]
    scores = tail.node('Mul', [tail.columns(rows, 5, columns, 1), tail.columns(rows, 4, 5, 1)])
    dense = tail.node('Concat', [tail.columns(rows, 0, 4, 1), scores], axis=1)
    append_dense(tail, dense, columns - 1, kept)


def _append_end_to_end(tail: GraphTail, raw: str, kept: int) -> None:
    scores = tail.node('Squeeze', [tail.columns(raw, 4, 5, 2), tail.ints(2)])
    order = tail.node('TopK', [scores, tail.ints(kept)], 'scores', f'{PREFIX}/order', axis=1)
    classes = tail.node('Squeeze', [tail.columns(raw, 5, 6, 2), tail.ints(2)])
    classes = tail.node('GatherElements', [classes, order], axis=1)
    tail.node('Cast', [classes], 'class_ids', to=TensorProto.INT32)
    boxes = tail.rows(tail.columns(raw, 0, 4, 2), order, kept, 4)
    tail.node('Identity', [boxes], 'boxes_xyxy')
