"""Networks of every family of detectors, as their exporters write them; random weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

STRIDES = (8, 16, 32)
ANCHORS = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)
FLOAT, INT32, INT64 = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64


class Net:
    """A graph under construction, with an image of `size_wh` as its input."""

    def __init__(self, size_wh: tuple[int, int], seed: int) -> None:
        self.size_wh, self.random = size_wh, np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self.inputs = [helper.make_tensor_value_info(
            'images', FLOAT, [1, 3, size_wh[1], size_wh[0]])]

    def __call__(self, operator: str, *inputs: Any, outputs: Sequence[str] = (),
                 domain: str = '', **attributes: Any) -> str:
        names = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        made = list(outputs) or [f'{operator}_{len(self.nodes)}']
        self.nodes.append(helper.make_node(operator, names, made, domain=domain, **attributes))
        return made[0]

    def constant(self, values: Any) -> str:
        array = np.asarray(values)
        if array.dtype == np.float64:
            array = array.astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, f'weight_{len(self.weights)}'))
        return self.weights[-1].name

    def cells(self, stride: int, channels: int, image: str = 'images') -> str:
        """Return [1, channels, h, w], mixed from the mean of each cell."""
        pool = self('AveragePool', image, kernel_shape=[stride] * 2, strides=[stride] * 2)
        return self('Conv', pool, self.random.normal(0, 4, (channels, 3, 1, 1)),
                    self.random.normal(-1, 1, channels))

    def rows(self, stride: int, channels: int, image: str = 'images') -> str:
        """Return [1, cells, channels]."""
        flat = self('Reshape', self.cells(stride, channels, image), np.array([1, channels, -1]))
        return self('Transpose', flat, perm=[0, 2, 1])

    def part(self, tensor: str, start: int, stop: int, axis: int) -> str:
        return self('Slice', tensor, np.array([start]), np.array([stop]), np.array([axis]))

    def model(self, outputs: dict[str, tuple[int, list[Any]]], labels: int = 0,
              check: bool = True) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, 'net', self.inputs,
            [helper.make_tensor_value_info(name, *spec) for name, spec in outputs.items()],
            self.weights)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
        if labels:
            made.metadata_props.add(key='names', value=str([f'c{one}' for one in range(labels)]))
        if check:
            onnx.checker.check_model(made, full_check=True)
        return made

    def corners(self) -> tuple[str, str]:
        """Return boxes [1, cells, 4] in pixels and logits of one class [1, cells, 1]."""
        rows = self.rows(8, 5)
        size = np.array([*self.size_wh] * 2)
        low = self('Mul', self('Sigmoid', self.part(rows, 0, 2, 2)), size[:2] * .6)
        span = self('Mul', self('Sigmoid', self.part(rows, 2, 4, 2)), size[:2] * .4)
        return self('Concat', low, self('Add', low, span), axis=2), self.part(rows, 4, 5, 2)


def yolox(size_wh: tuple[int, int], classes: int, seed: int, decoded: bool = False
          ) -> onnx.ModelProto:
    net, parts = Net(size_wh, seed), []
    image = net('Mul', 'images', np.array(1 / 255))
    for stride in STRIDES:
        raw = net.cells(stride, 5 + classes, image)
        box = net('Mul', net.part(raw, 0, 4, 1), np.array(.2)) if decoded \
            else net.cells(stride, 4, image)
        whole = net('Concat', box, net('Sigmoid', net.part(raw, 4, 5, 1)),
                    net('Sigmoid', net.part(raw, 5, 5 + classes, 1)), axis=1)
        parts.append(net('Reshape', whole, np.array([1, 5 + classes, -1])))
    rows = net('Transpose', net('Concat', *parts, axis=2), perm=[0, 2, 1])
    if decoded:
        cells = np.concatenate([[(x, y, stride) for y in range(size_wh[1] // stride)
                                 for x in range(size_wh[0] // stride)] for stride in STRIDES])
        centre = net('Mul', net('Add', net.part(rows, 0, 2, 2), cells[None, :, :2] * 1.),
                     cells[None, :, 2:] * 1.)
        size = net('Mul', net('Exp', net.part(rows, 2, 4, 2)), cells[None, :, 2:] * 1.)
        rows = net('Concat', centre, size, net.part(rows, 4, 5 + classes, 2), axis=2)
    net('Identity', rows, outputs=['output'])
    count = sum(size_wh[0] // stride * size_wh[1] // stride for stride in STRIDES)
    return net.model({'output': (FLOAT, [1, count, 5 + classes])}, classes)


def yolo_grids(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    net, outputs = Net(size_wh, seed), {}
    # Boxes that are thinner than float32 can tell are no test.
    small = net('Mul', 'images', np.array(.3))
    for index, stride in enumerate(STRIDES):
        rows, columns = size_wh[1] // stride, size_wh[0] // stride
        cells = net('Reshape', net.cells(stride, 3 * (5 + classes), small),
                    np.array([1, 3, 5 + classes, rows, columns]))
        net('Transpose', cells, outputs=[f'grid{index}'], perm=[0, 1, 3, 4, 2])
        outputs[f'grid{index}'] = (FLOAT, [1, 3, rows, columns, 5 + classes])
    return net.model(outputs, classes)


def detr(size_wh: tuple[int, int], classes: int, seed: int, background: int) -> onnx.ModelProto:
    net = Net(size_wh, seed)
    rows = net.rows(16, 4 + classes + background)
    net('Sigmoid', net.part(rows, 0, 4, 2), outputs=['pred_boxes'])
    net('Identity', net.part(rows, 4, 4 + classes + background, 2), outputs=['logits'])
    count = size_wh[0] // 16 * (size_wh[1] // 16)
    return net.model({'logits': (FLOAT, [1, count, classes + background]),
                      'pred_boxes': (FLOAT, [1, count, 4])}, classes)


def ultralytics_detr(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    net = Net(size_wh, seed)
    rows = net.rows(16, 4 + classes)
    boxes, scores = (net('Sigmoid', net.part(rows, *ends, 2))
                     for ends in ((0, 4), (4, 4 + classes)))
    net('Concat', boxes, scores, outputs=['output0'], axis=2)
    count = size_wh[0] // 16 * (size_wh[1] // 16)
    return net.model({'output0': (FLOAT, [1, count, 4 + classes])}, classes)


def sized_detr(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return a network that gives boxes in the size that it is told."""
    net = Net(size_wh, seed)
    net.inputs.append(helper.make_tensor_value_info('orig_target_sizes', INT64, [1, 2]))
    rows = net.rows(16, 4 + classes)
    count = size_wh[0] // 16 * (size_wh[1] // 16)
    centre, half = (net('Mul', net('Sigmoid', net.part(rows, *ends, 2)), np.array(scale))
                    for ends, scale in (((0, 2), 1.), ((2, 4), .5)))
    boxes = net('Concat', net('Sub', centre, half), net('Add', centre, half), axis=2)
    size = net('Cast', 'orig_target_sizes', to=FLOAT)
    boxes = net('Mul', boxes, net('Unsqueeze', net('Concat', size, size, axis=1), np.array([1])))
    flat = net('Reshape', net('Sigmoid', net.part(rows, 4, 4 + classes, 2)), np.array([1, -1]))
    net('TopK', flat, np.array([count]), outputs=['scores', 'order'], axis=1)
    net('Mod', 'order', np.array(classes), outputs=['labels'])
    query = net('Unsqueeze', net('Div', 'order', np.array(classes)), np.array([2]))
    net('GatherElements', boxes, net('Expand', query, np.array([1, count, 4])),
        outputs=['boxes'], axis=1)
    return net.model({'labels': (INT64, [1, count]), 'boxes': (FLOAT, [1, count, 4]),
                      'scores': (FLOAT, [1, count])}, classes)


def suppressed(net: Net, labels: int) -> tuple[str, str, str]:
    """Return boxes [n, 4], scores [n] and classes int64 [n] after a suppression in the graph."""
    boxes, logits = net.corners()
    scores = net('Sigmoid', net('Add', logits, net.random.normal(-1, 1, labels)))
    chosen = net('NonMaxSuppression', boxes, net('Transpose', scores, perm=[0, 2, 1]),
                 np.array([50]), np.array([.5], np.float32), np.array([.05], np.float32))
    row, column = (net('Squeeze', net.part(chosen, place, place + 1, 1), np.array([1]))
                   for place in (2, 1))
    where = net('Concat', net('Unsqueeze', row, np.array([1])),
                net('Unsqueeze', column, np.array([1])), axis=1)
    return (net('Gather', net('Squeeze', boxes, np.array([0])), row, axis=0),
            net('GatherND', net('Squeeze', scores, np.array([0])), where), column)


def torchvision_like(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return a network that takes [3, h, w], counts the background and names its outputs."""
    net = Net(size_wh, seed)
    boxes, scores, column = suppressed(net, classes)
    for node in net.nodes:
        node.input[:] = ['batched' if name == 'images' else name for name in node.input]
    net.weights.append(numpy_helper.from_array(np.array([0]), 'axis'))
    net.nodes.insert(0, helper.make_node('Unsqueeze', ['images', 'axis'], ['batched']))
    del net.inputs[0].type.tensor_type.shape.dim[0]
    net('Identity', boxes, outputs=['boxes'])
    net('Add', column, np.array(1), outputs=['labels'])
    net('Identity', scores, outputs=['scores'])
    return net.model({'boxes': (FLOAT, ['n', 4]), 'labels': (INT64, ['n']),
                      'scores': (FLOAT, ['n'])}, classes)


def seven(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    net = Net(size_wh, seed)
    boxes, scores, column = suppressed(net, classes)
    column = net('Unsqueeze', net('Cast', column, to=FLOAT), np.array([1]))
    net('Concat', net('Mul', column, np.array(0.)), boxes, column,
        net('Unsqueeze', scores, np.array([1])), outputs=['output'], axis=1)
    return net.model({'output': (FLOAT, ['n', 7])}, classes)


def counted(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return a network that gives 100 rows, of which a count are good and the rest is noise."""
    net = Net(size_wh, seed)
    boxes, scores, column = suppressed(net, classes)
    count = net('Shape', scores)
    net('Cast', net('Reshape', count, np.array([1, 1])), outputs=['num_dets'], to=INT32)
    rest = {'det_boxes': (boxes, np.full((100, 4), np.inf)), 'det_scores': (scores, np.ones(100)),
            'det_classes': (net('Cast', column, to=INT32), np.full(100, -1, np.int32))}
    for name, (values, padding) in rest.items():
        whole = net('Concat', values, padding, axis=0)
        net('Unsqueeze', net.part(whole, 0, 100, 0), np.array([0]), outputs=[name])
    return net.model({'num_dets': (INT32, [1, 1]), 'det_boxes': (FLOAT, [1, 100, 4]),
                      'det_scores': (FLOAT, [1, 100]), 'det_classes': (INT32, [1, 100])}, classes)


def plugin(size_wh: tuple[int, int], classes: int, seed: int, coding: int = 0,
           activation: int = 0, domain: str = 'TRT') -> onnx.ModelProto:
    """Return a network that ends in TensorRT's own suppression."""
    net = Net(size_wh, seed)
    boxes, logits = net.corners()
    if coding:
        low, high = (net.part(boxes, *ends, 2) for ends in ((0, 2), (2, 4)))
        centre = net('Mul', net('Add', low, high), np.array(.5))
        boxes = net('Concat', centre, net('Sub', high, low), axis=2)
    scores = net('Add', logits, net.random.normal(-1, 1, classes))
    scores = scores if activation else net('Sigmoid', scores)
    net('EfficientNMS_TRT', boxes, scores, outputs=['num', 'boxes', 'scores', 'classes'],
        domain=domain, box_coding=coding, score_activation=activation, max_output_boxes=100)
    made = net.model({'num': (INT32, [1, 1]), 'boxes': (FLOAT, [1, 100, 4]),
                      'scores': (FLOAT, [1, 100]), 'classes': (INT32, [1, 100])}, classes,
                     check=False)
    if domain:
        made.opset_import.append(helper.make_opsetid(domain, 1))
    return made


Maker = Callable[[tuple[int, int], int, int], onnx.ModelProto]
NETWORKS: dict[str, Maker] = {
    'yolox': yolox,
    'yolox_decoded': lambda *shape: yolox(*shape, decoded=True),
    'yolo_grids': yolo_grids,
    'detr_sigmoid': lambda *shape: detr(*shape, background=0),
    'detr_softmax': lambda *shape: detr(*shape, background=1),
    'ultralytics_detr': ultralytics_detr,
    'sized_detr': sized_detr,
    'torchvision_like': torchvision_like,
    'seven': seven,
    'counted': counted,
    'plugin_corners': plugin,
    'plugin_centres': lambda *shape: plugin(*shape, coding=1, activation=1, domain=''),
}
