# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Detectors with random weights and the output formats of each family's exporter."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from support.net import FLOAT, INT32, INT64, Net

STRIDES = (8, 16, 32)
ANCHORS = (10, 13, 16, 30, 33, 23, 30, 61, 62, 45, 59, 119, 116, 90, 156, 198, 373, 326)


def yolox(size_wh: tuple[int, int], classes: int, seed: int, decoded: bool = False
          ) -> onnx.ModelProto:
    """Return a YOLOX network; with `decoded`, its boxes are in pixels instead of cells."""
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
    """Return a YOLO network with an output for each grid, before its anchors are applied."""
    net = Net(size_wh, seed)
    outputs: dict[str, tuple[int, list[Any]]] = {}
    # Small inputs keep the boxes wider than the resolution of float32.
    small = net('Mul', 'images', np.array(.3))
    for index, stride in enumerate(STRIDES):
        rows, columns = size_wh[1] // stride, size_wh[0] // stride
        cells = net('Reshape', net.cells(stride, 3 * (5 + classes), small),
                    np.array([1, 3, 5 + classes, rows, columns]))
        net('Transpose', cells, outputs=[f'grid{index}'], perm=[0, 1, 3, 4, 2])
        outputs[f'grid{index}'] = (FLOAT, [1, 3, rows, columns, 5 + classes])
    return net.model(outputs, classes)


def detr(size_wh: tuple[int, int], classes: int, seed: int, background: int,
         selected: bool = False) -> onnx.ModelProto:
    """
    Return a DETR with logits.

    :param background: number of background classes, 0 or 1.
    :param selected: whether its queries are selected, as in RT-DETR.
    """
    net = Net(size_wh, seed)
    rows = net.rows(16, 4 + classes + background)
    boxes = net.part(rows, 0, 4, 2)
    if not background:  # they refine reference points, whose logit they compute
        point = np.array(.5)
        boxes = net('Add', boxes, net('Log', net('Div', point, net('Sub', np.array(1.), point))))
        if selected:
            count = size_wh[0] // 16 * (size_wh[1] // 16)
            net('TopK', net('ReduceMax', rows, np.array([2]), keepdims=0), np.array([count]),
                outputs=['unused', 'order'], axis=1)
    net('Sigmoid', boxes, outputs=['pred_boxes'])
    net('Identity', net.part(rows, 4, 4 + classes + background, 2), outputs=['logits'])
    count = size_wh[0] // 16 * (size_wh[1] // 16)
    return net.model({'logits': (FLOAT, [1, count, classes + background]),
                      'pred_boxes': (FLOAT, [1, count, 4])}, classes)


def ultralytics_detr(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return an RT-DETR in Ultralytics' format: boxes and scores in a single output."""
    net = Net(size_wh, seed)
    rows = net.rows(16, 4 + classes)
    boxes, scores = (net('Sigmoid', net.part(rows, *ends, 2))
                     for ends in ((0, 4), (4, 4 + classes)))
    net('Concat', boxes, scores, outputs=['output0'], axis=2)
    count = size_wh[0] // 16 * (size_wh[1] // 16)
    return net.model({'output0': (FLOAT, [1, count, 4 + classes])}, classes)


def final_detr(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return an RT-DETR in Ultralytics' format since 8.4.60: box as fractions, score, class."""
    net = Net(size_wh, seed)
    rows, count = net.rows(16, 4 + classes), size_wh[0] // 16 * (size_wh[1] // 16)
    boxes, scores = (net('Sigmoid', net.part(rows, *ends, 2))
                     for ends in ((0, 4), (4, 4 + classes)))
    net('TopK', net('Reshape', scores, np.array([1, -1])), np.array([count]),
        outputs=['best', 'order'], axis=1)
    query = net('Unsqueeze', net('Div', 'order', np.array(classes)), np.array([2]))
    chosen = net('GatherElements', boxes, net('Expand', query, np.array([1, count, 4])), axis=1)
    label = net('Cast', net('Mod', 'order', np.array(classes)), to=FLOAT)
    net('Concat', chosen, *(net('Unsqueeze', values, np.array([2])) for values in ('best', label)),
        outputs=['output0'], axis=2)
    return net.model({'output0': (FLOAT, [1, count, 6])}, classes)


def sized_detr(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return an RT-DETR that scales its boxes to the input `orig_target_sizes`."""
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
    """Return boxes [n, 4], scores [n] and classes int64 [n] after NMS in the graph."""
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
    """Return a network in torchvision's format: input [3, h, w], class 0 is the background."""
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
    """Return a network in YOLOv7's format: rows of image, box, class and score, after NMS."""
    net = Net(size_wh, seed)
    boxes, scores, column = suppressed(net, classes)
    column = net('Unsqueeze', net('Cast', column, to=FLOAT), np.array([1]))
    net('Concat', net('Mul', column, np.array(0.)), boxes, column,
        net('Unsqueeze', scores, np.array([1])), outputs=['output'], axis=1)
    return net.model({'output': (FLOAT, ['n', 7])}, classes)


def counted(size_wh: tuple[int, int], classes: int, seed: int) -> onnx.ModelProto:
    """Return a network with 100 rows, a count of the valid rows, and invalid padding."""
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
    """Return a network that ends in TensorRT's NMS plugin."""
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
    model = net.model({'num': (INT32, [1, 1]), 'boxes': (FLOAT, [1, 100, 4]),
                       'scores': (FLOAT, [1, 100]), 'classes': (INT32, [1, 100])}, classes,
                      check=False)
    if domain:
        model.opset_import.append(helper.make_opsetid(domain, 1))
    return model


Maker = Callable[[tuple[int, int], int, int], onnx.ModelProto]
NETWORKS: dict[str, Maker] = {
    'yolox': yolox,
    'yolox_decoded': partial(yolox, decoded=True),
    'yolo_grids': yolo_grids,
    'detr_sigmoid': partial(detr, background=0),
    'detr_softmax': partial(detr, background=1),
    'ultralytics_detr': ultralytics_detr,
    'final_detr': final_detr,
    'sized_detr': sized_detr,
    'torchvision_like': torchvision_like,
    'seven': seven,
    'counted': counted,
    'plugin_corners': plugin,
    'plugin_centres': partial(plugin, coding=1, activation=1, domain=''),
}
