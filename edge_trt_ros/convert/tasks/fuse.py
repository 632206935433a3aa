# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Append the decoding nodes of a network's head to its graph.

The raw output of a YOLO network has about 8,400 x 84 values, of which a few dozen matter. The
appended nodes select the K best candidates, so that only these leave the device. They are
standard ONNX operators, so they run on every back end that runs the network.
"""

from __future__ import annotations

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.tail import copy_for_fusing, finish, GraphTail
from edge_trt_ros.convert.tasks import TASKS
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.heads.head import FLOATS
from edge_trt_ros.tensor_spec import TensorSpec


def fuse(checked: CheckedOnnx, found: RecognisedHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model with the outputs that leave the device.

    :param checked: the network; not modified.
    :param found: its head.
    :param max_candidates: K, the maximum number of boxes or classes that leave the device.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    task = TASKS[found.task]
    if task.keeps_names:
        return finish(model, _as_float32(model, checked))
    kept = min(max_candidates, found.rows)
    outputs = task.outputs(found, kept)
    tail = GraphTail(model.graph, tuple(tensor.name for tensor in outputs))
    raw = found.head.prepare(tail, found, {
        role: tail.source(output) for role, output in found.reading.roles.items()})
    found.head.append(tail, found, raw, checked.size_wh, kept)
    tail.checksum([raw[role] for role, output in found.reading.roles.items()
                   if output.dtype in FLOATS])
    return finish(model, outputs)


def _as_float32(model: onnx.ModelProto, checked: CheckedOnnx) -> list[TensorSpec]:
    names = [f'{output.name}_float32' if output.dtype == 'float16' else output.name
             for output in checked.outputs]
    own = {output.name for output in checked.outputs}
    tail = GraphTail(model.graph, tuple(set(names) - own))
    for output, name in zip(checked.outputs, names):
        if output.dtype == 'float16':
            tail.cast(output.name, 'float32', name)
    return [TensorSpec(name, 'float32', output.shape)
            for output, name in zip(checked.outputs, names)]
