# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The outputs of a graph: decoding nodes of the head are appended, or the raw outputs are kept.

The raw output of a YOLO network has about 8,400 x 84 values, of which a few dozen matter. The
appended nodes select the K best candidates, so that only these leave the device. They are
standard ONNX operators, so they run on every back end that runs the network. A GPU decodes the
raw outputs of most heads with kernels of its own, several times faster (`heads/device.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.tail import copy_for_fusing, finish, GraphTail
from edge_trt_ros.convert.tasks import TASKS
from edge_trt_ros.errors import BuildError
from edge_trt_ros.heads import RecognisedHead
from edge_trt_ros.heads.head import FLOATS
from edge_trt_ros.runtime.decoding import Decode
from edge_trt_ros.runtime.tensorrt.library import TensorRt
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.tasks import find_task


def decodes_on_device(found: RecognisedHead, library: TensorRt | None) -> bool:
    """Return whether the GPU runtime decodes the raw outputs of a network."""
    return library is not None and found.head.on_device is not None


def expose(checked: CheckedOnnx, found: RecognisedHead) -> onnx.ModelProto:
    """
    Return a copy of the model whose outputs are the raw outputs that the head reads, as float32.

    :param checked: the network; not modified.
    :param found: its head.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    return finish(model, _as_float32(model, tuple(found.reading.roles.values())))


def exposed_roles(found: RecognisedHead) -> dict[str, str]:
    """Return the name of the raw output (see `expose`) for each role of the head's decoder."""
    return {role: _float32_name(output) for role, output in found.reading.roles.items()}


def decoder_for(model: onnx.ModelProto, found: RecognisedHead) -> Decode:
    """
    Return the function that decodes the outputs of a graph that `fuse` or `expose` returned.

    :raises BuildError: if the head appends outputs that its task does not know.
    """
    roles, names = exposed_roles(found), {output.name for output in model.graph.output}
    if found.head.on_device is not None and names == set(roles.values()):
        return lambda outputs, letterbox, thresholds: found.head.decode(
            {role: outputs[name] for role, name in roles.items()}, letterbox, thresholds,
            **found.reading.options)
    task = find_task(found.task)
    output_format = task.format(found.head.decoder)
    if output_format is None:
        raise BuildError(f"the head '{found.name}' appends '{found.head.decoder}', which is not "
                         f"an output format of the task '{task.name}'")
    return output_format.decode


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
    if checked.contract is not None:  # a state must keep its dtype
        return finish(model, checked.outputs)
    if task.keeps_names:
        return finish(model, _as_float32(model, checked.outputs))
    kept = min(max_candidates, found.rows)
    outputs = task.outputs(found, kept)
    tail = GraphTail(model.graph, tuple(tensor.name for tensor in outputs))
    raw = found.head.prepare(tail, found, {
        role: tail.source(output) for role, output in found.reading.roles.items()})
    found.head.append(tail, found, raw, checked.size_wh, kept)
    roles = found.reading.roles.items()
    floats = [raw[role] for role, output in roles if output.dtype in FLOATS]
    tail.checksum(floats or [tail.cast(raw[role], 'float32') for role, _ in roles])
    return finish(model, outputs)


def _float32_name(output: TensorSpec) -> str:
    return f'{output.name}_float32' if output.dtype == 'float16' else output.name


def _as_float32(model: onnx.ModelProto, outputs: Sequence[TensorSpec]) -> list[TensorSpec]:
    names = [_float32_name(output) for output in outputs]
    own = {output.name for output in outputs}
    tail = GraphTail(model.graph, tuple(set(names) - own))
    for output, name in zip(outputs, names):
        if output.dtype == 'float16':
            tail.cast(output.name, 'float32', name)
    return [TensorSpec(name, 'float32' if output.dtype in FLOATS else output.dtype, output.shape)
            for output, name in zip(outputs, names)]
