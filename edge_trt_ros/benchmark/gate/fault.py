# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A fault in one tensor of an engine: everything after it reads a faulty copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, numpy_helper, TensorProto


class Fault:
    """
    Rewrites one tensor of a graph.

    :param model: the engine's graph, which is changed.
    :param tensor: name of the tensor.
    """

    def __init__(self, model: onnx.ModelProto, tensor: str) -> None:
        self._graph = model.graph
        self._nodes: list[onnx.NodeProto] = []
        self._is_input = tensor in {value.name for value in model.graph.input}
        types = {value.name: value.type.tensor_type.elem_type for value in (
            *onnx.shape_inference.infer_shapes(model).graph.value_info, *model.graph.output,
            *model.graph.input)}
        self._kind, self._tensor = types[tensor], tensor
        self._last = f'{tensor}/true'
        self._apply('Cast', to=TensorProto.FLOAT)

    def _apply(self, operator: str, *constants: NDArray[np.generic], **attributes: int) -> None:
        names = []
        for values in constants:
            names.append(f'fault/{self._tensor}/{len(self._graph.initializer)}')
            self._graph.initializer.append(numpy_helper.from_array(values, names[-1]))
        output = f'fault/{self._tensor}/{len(self._nodes)}'
        self._nodes.append(helper.make_node(operator, [self._last, *names], [output],
                                            **attributes))
        self._last = output

    def scale(self, values: NDArray[np.float32]) -> Fault:
        """Multiply by values that broadcast."""
        self._apply('Mul', values)
        return self

    def shift(self, values: NDArray[np.float32]) -> Fault:
        """Add values that broadcast."""
        self._apply('Add', values)
        return self

    def gather(self, indices: list[int], axis: int) -> Fault:
        """Take slices of an axis in another order."""
        self._apply('Gather', np.array(indices, np.int64), axis=axis)
        return self

    def swap_scores(self, anchors: list[int], classes: int, more_rows: int) -> Fault:
        """Take the scores of other anchors, and leave the other rows as they are."""
        sizes = [4, classes, *([more_rows] if more_rows else [])]
        parts = [f'fault/part_{index}' for index in range(len(sizes))]
        self._graph.initializer.append(numpy_helper.from_array(
            np.array(sizes, np.int64), 'fault/sizes'))
        self._nodes.append(helper.make_node('Split', [self._last, 'fault/sizes'], parts, axis=1))
        self._last = parts[1]
        self.gather(anchors, 2)
        self._nodes.append(helper.make_node(
            'Concat', [parts[0], self._last, *parts[2:]], ['fault/joined'], axis=1))
        self._last = 'fault/joined'
        return self

    def apply(self) -> bool:
        """Write the faulty tensor into the graph."""
        self._apply('Cast', to=self._kind)
        self._nodes[-1].output[0] = self._tensor
        nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in self._graph.node]
        true = f'{self._tensor}/true'
        if self._is_input:
            faulty = f'{self._tensor}/faulty'
            self._nodes[0].input[0], self._nodes[-1].output[0] = self._tensor, faulty
            for node in nodes:
                node.input[:] = [faulty if name == self._tensor else name for name in node.input]
            nodes = [*self._nodes, *nodes]
        else:
            at = next(index for index, node in enumerate(nodes) if self._tensor in node.output)
            nodes[at].output[:] = [true if name == self._tensor else name
                                   for name in nodes[at].output]
            nodes[at + 1:at + 1] = self._nodes
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(nodes)
        return True
