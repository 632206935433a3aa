# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A network with the size and structure of YOLOv8n and random weights, for benchmarks."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

_BINS = 16
# Bias of the scores' logits, with which a few dozen boxes of an image reach a score of 0.25.
_SCORE_BIAS = -6.0


class _Graph:
    """Nodes and weights under construction; each method returns the name of its result."""

    def __init__(self, seed: int) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._random = np.random.default_rng(seed)

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        names = [f'{kind.lower()}_{len(self.nodes)}_{index}' for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0]

    def constant(self, value: object, dtype: type = np.float32) -> str:
        name = f'constant_{len(self.weights)}'
        self.weights.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def convolution(self, source: str, wide: int, out: int, size: int, stride: int = 1,
                    act: bool = True, gain: float = 1.0, bias: float = 0.0) -> str:
        weight = self._random.normal(
            0, (2.6 * gain / (wide * size * size)) ** 0.5, (out, wide, size, size))
        raw = self.add('Conv', source, self.constant(weight), self.constant(np.full(out, bias)),
                       strides=[stride] * 2, pads=[size // 2] * 4)
        return self.add('Mul', raw, self.add('Sigmoid', raw)) if act else raw

    def split(self, source: str, wide: int) -> list[str]:
        self.add('Split', source, self.constant([wide // 2] * 2, np.int64), outputs=2, axis=1)
        return list(self.nodes[-1].output)

    def c2f(self, source: str, wide: int, out: int, depth: int, residual: bool) -> str:
        parts = self.split(self.convolution(source, wide, out, 1), out)
        for _ in range(depth):
            inner = self.convolution(parts[-1], out // 2, out // 2, 3)
            inner = self.convolution(inner, out // 2, out // 2, 3)
            parts.append(self.add('Add', parts[-1], inner) if residual else inner)
        joined = self.add('Concat', *parts, axis=1)
        return self.convolution(joined, out * (2 + depth) // 2, out, 1)

    def pooled(self, source: str, wide: int) -> str:
        parts = [self.convolution(source, wide, wide // 2, 1)]
        for _ in range(3):
            parts.append(self.add('MaxPool', parts[-1], kernel_shape=[5, 5], pads=[2] * 4))
        return self.convolution(self.add('Concat', *parts, axis=1), wide * 2, wide, 1)

    def enlarged(self, source: str) -> str:
        return self.add('Resize', source, '', self.constant([1, 1, 2, 2]), mode='nearest',
                        coordinate_transformation_mode='asymmetric', nearest_mode='floor')

    def head(self, source: str, wide: int, classes: int, place: int) -> str:
        box = self.convolution(self.convolution(source, wide, 64, 3), 64, 64, 3)
        score = self.convolution(self.convolution(source, wide, 80, 3), 80, 80, 3)
        both = self.add('Concat', self.convolution(box, 64, 4 * _BINS, 1, act=False),
                        self.convolution(score, 80, classes, 1, act=False, gain=100,
                                         bias=_SCORE_BIAS), axis=1)
        return self.add('Reshape', both, self.constant([1, 4 * _BINS + classes, place], np.int64))


def yolo_network(size: int = 640, classes: int = 80, seed: int = 0) -> onnx.ModelProto:
    """
    Return a network of 3.2 million random weights, [1, 3, size, size] to [1, 4 + classes, n].

    Backbone of C2f blocks, SPPF, a path down and up, and an anchor-free head with a
    distribution over 16 bins for each side of a box, as arXiv:2408.15857 describes them.
    """
    g = _Graph(seed)
    x = g.convolution(g.convolution('images', 3, 16, 3, 2), 16, 32, 3, 2)
    x = g.c2f(x, 32, 32, 1, True)
    p3 = g.c2f(g.convolution(x, 32, 64, 3, 2), 64, 64, 2, True)
    p4 = g.c2f(g.convolution(p3, 64, 128, 3, 2), 128, 128, 2, True)
    p5 = g.pooled(g.c2f(g.convolution(p4, 128, 256, 3, 2), 256, 256, 1, True), 256)
    n4 = g.c2f(g.add('Concat', g.enlarged(p5), p4, axis=1), 384, 128, 1, False)
    n3 = g.c2f(g.add('Concat', g.enlarged(n4), p3, axis=1), 192, 64, 1, False)
    n4 = g.c2f(g.add('Concat', g.convolution(n3, 64, 64, 3, 2), n4, axis=1), 192, 128, 1, False)
    n5 = g.c2f(g.add('Concat', g.convolution(n4, 128, 128, 3, 2), p5, axis=1), 384, 256, 1, False)
    cells = [(size // stride) ** 2 for stride in (8, 16, 32)]
    joined = g.add('Concat', *(g.head(source, wide, classes, place) for source, wide, place in zip(
        (n3, n4, n5), (64, 128, 256), cells)), axis=2)
    g.add('Split', joined, g.constant([4 * _BINS, classes], np.int64), outputs=2, axis=1)
    raw_box, raw_score = g.nodes[-1].output
    bins = g.add('Reshape', raw_box, g.constant([1, 4, _BINS, -1], np.int64))
    bins = g.add('Softmax', bins, axis=2)
    bins = g.add('Mul', bins, g.constant(np.arange(_BINS).reshape(1, 1, _BINS, 1)))
    sides = g.add('ReduceSum', bins, g.constant([2], np.int64), keepdims=0)
    near, far = g.split(sides, 4)
    axes = [np.arange(size // stride) + 0.5 for stride in (8, 16, 32)]
    places = np.concatenate([np.stack(np.meshgrid(axis, axis)).reshape(2, -1) for axis in axes], 1)
    lower = g.add('Sub', g.constant(places[None]), near)
    upper = g.add('Add', g.constant(places[None]), far)
    center = g.add('Mul', g.add('Add', lower, upper), g.constant(0.5))
    boxes = g.add('Concat', center, g.add('Sub', upper, lower), axis=1)
    strides = np.repeat([8, 16, 32], cells)[None, None]
    boxes = g.add('Mul', boxes, g.constant(strides))
    g.add('Concat', boxes, g.add('Sigmoid', raw_score), axis=1)
    g.nodes[-1].output[0] = 'output0'
    image, output = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
                     for name, shape in (('images', [1, 3, size, size]),
                                         ('output0', [1, 4 + classes, sum(cells)])))
    graph = helper.make_graph(g.nodes, 'yolo', [image], [output], g.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    names = {index: f'class {index}' for index in range(classes)}
    helper.set_model_props(model, {'task': 'detect', 'names': str(names), 'stride': '32'})
    onnx.checker.check_model(model, full_check=True)
    return model
