# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small graphs with the outputs of current exporters, and their boxes decoded in plain loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from support.detector_reference import Boxes, centres_to_corners, of_rows, sigmoid
from support.net import FLOAT, Net

SIZE_WH, CLASSES, BINS = (128, 64), 5, 8
Raw = dict[str, Any]


def of_bytes(net: Net) -> Net:
    """Let a network scale values of 0 to 255 itself."""
    for node in net.nodes:
        node.input[:] = ['scaled' if name == 'images' else name for name in node.input]
    net('Mul', 'images', np.array(1 / 255), outputs=['scaled'])
    net.nodes.insert(0, net.nodes.pop())
    return net


def rf_detr(masks: bool = False) -> onnx.ModelProto:
    net = Net(SIZE_WH, 3)
    rows, count = net.rows(16, 4 + CLASSES), 32
    net('Sigmoid', net.part(rows, 0, 4, 2), outputs=['dets'])
    net('Identity', net.part(rows, 4, 4 + CLASSES, 2), outputs=['labels'])
    outputs: dict[str, tuple[int, list[Any]]] = {
        'dets': (FLOAT, [1, count, 4]), 'labels': (FLOAT, [1, count, CLASSES])}
    if masks:
        net('Identity', net.cells(4, count), outputs=['masks'])
        outputs['masks'] = (FLOAT, [1, count, 16, 32])
    return net.model(outputs, CLASSES)


def nanodet(strides: tuple[int, ...]) -> onnx.ModelProto:
    net, parts, total = Net(SIZE_WH, 3), [], 0
    for stride in strides:
        whole = net('Concat', net('Sigmoid', net.cells(stride, CLASSES)),
                    net.cells(stride, 4 * BINS), axis=1)
        parts.append(net('Reshape', whole, np.array([1, CLASSES + 4 * BINS, -1])))
        total += SIZE_WH[0] // stride * (SIZE_WH[1] // stride)
    net('Transpose', net('Concat', *parts, axis=2), outputs=['output'], perm=[0, 2, 1])
    return net.model({'output': (FLOAT, [1, total, CLASSES + 4 * BINS])}, CLASSES)


def picodet() -> onnx.ModelProto:
    net, outputs = Net(SIZE_WH, 3), {}
    for stride in (8, 16, 32, 64):
        for name, columns in (('scores', CLASSES), ('bins', 4 * BINS)):
            cells = net.cells(stride, columns)
            if name == 'scores':
                cells = net('Sigmoid', cells)
            flat = net('Reshape', cells, np.array([1, columns, -1]))
            net('Transpose', flat, outputs=[f'{name}{stride}'], perm=[0, 2, 1])
            count = SIZE_WH[0] // stride * (SIZE_WH[1] // stride)
            outputs[f'{name}{stride}'] = (FLOAT, [1, count, columns])
    return net.model(dict(reversed(outputs.items())), CLASSES)


def yolo_nas() -> onnx.ModelProto:
    net = Net(SIZE_WH, 3)
    boxes, logits = net.corners()
    net('Identity', boxes, outputs=['pred_bboxes'])
    net('Sigmoid', net('Add', logits, net.random.normal(-1, 1, CLASSES)), outputs=['pred_scores'])
    return net.model({'pred_bboxes': (FLOAT, [1, 128, 4]),
                      'pred_scores': (FLOAT, [1, 128, CLASSES])}, CLASSES)


def tensorflow(only_rows: bool) -> onnx.ModelProto:
    net = Net(SIZE_WH, 3)
    boxes, logits = net.corners()
    sides = [net.part(boxes, column, column + 1, 2) for column in (1, 0, 3, 2)]
    score = net('Sigmoid', logits)
    label = net('Add', net('Floor', net('Mul', score, np.array(CLASSES - .01))), np.array(1.))
    if only_rows:
        net('Concat', net('Mul', score, np.array(0.)), *sides, score, label,
            outputs=['detections:0'], axis=2)
        return of_bytes(net).model({'detections:0': (FLOAT, [1, 128, 7])}, CLASSES)
    size = np.array([*SIZE_WH[::-1]] * 2)
    net('Div', net('Concat', *sides, axis=2), size * 1., outputs=['detection_boxes'])
    net('Squeeze', score, np.array([2]), outputs=['detection_scores'])
    net('Squeeze', label, np.array([2]), outputs=['detection_classes'])
    net('Identity', np.array([128.]), outputs=['num_detections'])
    return of_bytes(net).model({
        'detection_boxes': (FLOAT, [1, 128, 4]), 'detection_classes': (FLOAT, [1, 128]),
        'detection_scores': (FLOAT, [1, 128]), 'num_detections': (FLOAT, [1])}, CLASSES)


def centernet(scale: float = 1.0) -> onnx.ModelProto:
    net, count = Net(SIZE_WH, 3), 30
    heat = net('Sigmoid', net.cells(4, CLASSES))
    highest = net('MaxPool', heat, kernel_shape=[3, 3], pads=[1] * 4)
    peaks = net('Mul', heat, net('Cast', net('Equal', highest, heat), to=FLOAT))
    net('TopK', net('Reshape', peaks, np.array([1, -1])), np.array([count]),
        outputs=['best', 'order'], axis=1)
    cells = 32 * 16
    place = net('Mod', 'order', np.array(cells))
    label = net('Cast', net('Div', 'order', np.array(cells)), to=FLOAT)
    y = net('Cast', net('Div', place, np.array(32)), to=FLOAT)
    x = net('Cast', net('Mod', place, np.array(32)), to=FLOAT)
    sizes = net('Mul', net('Sigmoid', net('Reshape', net.cells(4, 2), np.array([1, 2, cells]))),
                np.array(5.))
    columns = [net('Unsqueeze', values, np.array([2])) for values in (x, y, 'best', label)]
    wide = net('Expand', net('Unsqueeze', place, np.array([1])), np.array([1, 2, count]))
    size = net('Transpose', net('GatherElements', sizes, wide, axis=2), perm=[0, 2, 1])
    centre = net('Concat', *columns[:2], axis=2)
    boxes = net('Concat', net('Sub', centre, size), net('Add', centre, size), axis=2)
    net('Concat', net('Mul', boxes, np.array(scale)), *columns[2:], outputs=['output'], axis=2)
    return net.model({'output': (FLOAT, [1, count, 6])}, CLASSES)


def movenet(people: int) -> onnx.ModelProto:
    size_wh = (96, 64)
    net = Net(size_wh, 3)
    if people == 1:
        mean = net('ReduceMean', net.cells(16, 51), np.array([2, 3]), keepdims=1)
        net('Reshape', net('Sigmoid', mean), np.array([1, 1, 17, 3]), outputs=['output_0'])
    else:
        net('Sigmoid', net.rows(32, 56), outputs=['output_0'])
    shape = [1, 1, 17, 3] if people == 1 else [1, 6, 56]
    return of_bytes(net).model({'output_0': (FLOAT, shape)})


def distances(bins: Any, scores: Any, strides: tuple[int, ...], shift: float) -> Boxes:
    """Return the boxes of rows of bins, cell by cell."""
    boxes, row = [], 0
    for stride in strides:
        for y in range(SIZE_WH[1] // stride):
            for x in range(SIZE_WH[0] // stride):
                sides = []
                for side in bins[row].reshape(4, BINS):
                    shares = np.exp(side) / np.exp(side).sum()
                    sides.append(sum(shares * np.arange(BINS)) * stride)
                at = ((x + shift) * stride, (y + shift) * stride)
                boxes.append((at[0] - sides[0], at[1] - sides[1], at[0] + sides[2],
                              at[1] + sides[3]))
                row += 1
    return of_rows(np.array(boxes), scores)


def by_grid(raw: Raw, name: str) -> Any:
    return np.concatenate([raw[f'{name}{stride}'][0] for stride in (8, 16, 32, 64)])


def tensorflow_boxes(raw: Raw) -> Boxes:
    if 'detections:0' in raw:
        rows = raw['detections:0'][0]
        return rows[:, [2, 1, 4, 3]], rows[:, 5], rows[:, 6]
    boxes = raw['detection_boxes'][0][:, [1, 0, 3, 2]] * np.array(SIZE_WH * 2)
    return boxes, raw['detection_scores'][0], raw['detection_classes'][0]


# Network, reference, and whether boxes that overlap are dropped.
NETWORKS: dict[str, Any] = {
    'rf_detr': (rf_detr, lambda raw: of_rows(centres_to_corners(
        raw['dets'][0] * np.array(SIZE_WH * 2)), sigmoid(raw['labels'][0])), False),
    'nanodet': (lambda: nanodet((8, 16, 32)), lambda raw: distances(
        raw['output'][0, :, CLASSES:], raw['output'][0, :, :CLASSES], (8, 16, 32), .5), True),
    'nanodet_plus': (lambda: nanodet((8, 16, 32, 64)), lambda raw: distances(
        raw['output'][0, :, CLASSES:], raw['output'][0, :, :CLASSES], (8, 16, 32, 64), 0.), True),
    'picodet': (picodet, lambda raw: distances(
        by_grid(raw, 'bins'), by_grid(raw, 'scores'), (8, 16, 32, 64), .5), True),
    'yolo_nas': (yolo_nas, lambda raw: of_rows(
        raw['pred_bboxes'][0], raw['pred_scores'][0]), True),
    'tf_detection': (lambda: tensorflow(False), tensorflow_boxes, False),
    'efficientdet_rows': (lambda: tensorflow(True), tensorflow_boxes, False),
    'centernet': (centernet, lambda raw: (
        raw['output'][0, :, :4] * 4, raw['output'][0, :, 4], raw['output'][0, :, 5]), False),
}
