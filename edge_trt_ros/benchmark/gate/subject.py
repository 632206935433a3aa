# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The parts of a network that a fault can damage."""

from __future__ import annotations

from ast import literal_eval
from dataclasses import dataclass

import onnx

from edge_trt_ros.convert.graph.edit import weighted_nodes
from edge_trt_ros.convert.graph.tail import PREFIX

# The layer of the demo's detector that is damaged; of other networks the one in the middle.
_LAYER = '/net/stage4/stage4.1/merge/merge.0/Conv_output_0'


@dataclass(frozen=True)
class Subject:
    """
    A network whose engine is broken.

    :param task: its task.
    :param source: its ONNX model.
    """

    task: str
    source: onnx.ModelProto

    @property
    def has_boxes(self) -> bool:
        """Whether its output has a row for each of: 4 coordinates, the classes, and more."""
        return self.task in ('detect', 'segment', 'pose', 'obb')

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of its first output."""
        return self.shape_of(0)

    @property
    def classes(self) -> int:
        """Number of its classes."""
        names = next(entry.value for entry in self.source.metadata_props if entry.key == 'names')
        return len(literal_eval(names))

    @property
    def width_px(self) -> int:
        """Width of its input."""
        return int(self.source.graph.input[0].type.tensor_type.shape.dim[3].dim_value)

    @property
    def input(self) -> str:
        """Name of its input."""
        return str(self.source.graph.input[0].name)

    @property
    def layer(self) -> onnx.NodeProto:
        """A layer with a bias in the middle of what its outputs need."""
        needed = {output.name for output in self.source.graph.output}
        for node in reversed(self.source.graph.node):
            if not needed.isdisjoint(node.output):
                needed.update(node.input)
        nodes = [node for node in weighted_nodes(self.source.graph)
                 if len(node.input) == 3 and node.output[0] in needed]
        named = [node for node in nodes if node.output[0] == _LAYER]
        return (named or nodes[len(nodes) // 2:])[0]

    def shape_of(self, output: int) -> tuple[int, ...]:
        """Return the shape of an output."""
        dims = self.source.graph.output[output].type.tensor_type.shape.dim
        return tuple(int(dim.dim_value) for dim in dims)

    def name_in(self, engine: onnx.ModelProto, output: int = 0) -> str:
        """Return the name that an output of the network has in its engine."""
        name = str(self.source.graph.output[output].name)
        own = f'{PREFIX}/source/{name}'
        made = {made for node in engine.graph.node for made in node.output}
        return own if own in made else name
