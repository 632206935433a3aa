# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Read the inner tensors of an engine for ONNX Runtime, which is an ONNX graph.

An engine contains the head, so the raw outputs of its network are inner tensors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.edit import weighted_nodes
from edge_trt_ros.convert.graph.inputs import tensor_spec
from edge_trt_ros.convert.graph.tail import PREFIX
from edge_trt_ros.heads.head import FLOATS
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.tensor_spec import TensorSpec

# Operators whose rows come in an order that rounding may change.
_SORTING = ('TopK', 'NonMaxSuppression', 'NonZero', 'Unique')


@dataclass(frozen=True)
class Probes:
    """
    The tensors of a network that an engine can be asked for.

    :param model: the engine's graph with these tensors as additional outputs.
    :param names: for each tensor of the ONNX model, its name in the engine.
    :param specs: the additional outputs; their lengths are open.
    """

    model: onnx.ModelProto
    names: dict[str, str]
    specs: tuple[TensorSpec, ...]


def raw_tensors(source: CheckedOnnx) -> list[str]:
    """
    Return the tensors that hold what the network computes, before anything is sorted.

    They are its outputs. Where the network sorts rows itself, they are the results of the last
    convolutions and matrix products before that.
    """
    if source.contract is not None:
        return [output.name for output in source.outputs]
    graph = source.model.graph
    sorted_names: set[str] = set()
    for node in graph.node:
        if node.op_type in _SORTING or not sorted_names.isdisjoint(node.input):
            sorted_names.update(node.output)
    direct = [output.name for output in source.outputs
              if output.dtype in FLOATS and output.name not in sorted_names]
    if len(direct) == len(source.outputs):
        return direct
    # Walk back: what a weighted node computes is not the last if another one follows it.
    followed: set[str] = set()
    last = []
    weighted = {node.output[0] for node in weighted_nodes(graph)} - sorted_names
    for node in reversed(graph.node):
        inside = any(name in followed for name in node.output)
        if node.output and node.output[0] in weighted and not inside:
            last.append(node.output[0])
        if inside or (node.output and node.output[0] in weighted):
            followed.update(node.input)
    return [*direct, *reversed(last)]


def raw_outputs(manifest: EngineManifest, tensors: Sequence[str]) -> dict[str, str]:
    """
    Return the outputs of an engine for a GPU that are tensors of its network.

    :param manifest: manifest of the engine.
    :param tensors: names of tensors of the ONNX model.
    :returns: the engine's names by those of the network.
    """
    outputs = {output.name for output in manifest.outputs}
    found = {}
    for name in tensors:
        own = next((own for own in (f'{name}_float32', name) if own in outputs), '')
        if own:
            found[name] = own
    return found


def probed(engine: onnx.ModelProto, tensors: Sequence[str]) -> Probes:
    """
    Return an engine's graph that also returns tensors of its network, as far as it has them.

    :param engine: the engine's graph; not modified.
    :param tensors: names of tensors of the ONNX model.
    """
    kinds = {value.name: value for value in onnx.shape_inference.infer_shapes(
        engine).graph.value_info}
    outputs = {output.name for output in engine.graph.output}
    names = {}
    for tensor in tensors:
        found = next((name for name in (f'{PREFIX}/source/{tensor}', tensor)
                      if name in kinds or name in outputs), '')
        if found:
            names[tensor] = found
    added = [name for name in names.values() if name not in outputs]
    model = onnx.ModelProto()
    model.CopyFrom(engine)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in added)
    return Probes(model, names, tuple(_open_spec(kinds[name]) for name in added))


def _open_spec(value: onnx.ValueInfoProto) -> TensorSpec:
    spec = tensor_spec(value, Path())
    return TensorSpec(spec.name, spec.dtype, (-1,) * len(spec.shape))
