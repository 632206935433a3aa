# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Check an ONNX file: structure, shapes, inputs, NaN in weights, supported operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from edge_trt_ros.convert.graph import walk
from edge_trt_ros.convert.graph.adapt import adapt_graph
from edge_trt_ros.convert.graph.contract import check_outputs, fit_inputs
from edge_trt_ros.convert.graph.edit import all_nodes
from edge_trt_ros.convert.graph.inputs import (fix_input_shape, graph_inputs, input_specs,
                                               shape_in_metadata, tensor_spec)
from edge_trt_ros.convert.graph.load import load_external_data, read_onnx
from edge_trt_ros.convert.graph.session import largest_for_noise
from edge_trt_ros.convert.graph.shapes import check_and_infer
from edge_trt_ros.convert.graph.single_image import reduce_batch
from edge_trt_ros.errors import ModelError
from edge_trt_ros.tensor_contract import TensorContract
from edge_trt_ros.tensor_spec import TensorSpec

_FLOATS = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16,
           onnx.TensorProto.DOUBLE)
# Operator domains that ONNX Runtime supports.
_KNOWN_DOMAINS = ('', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft')


@dataclass(frozen=True)
class CheckedOnnx:
    """
    A model that passed the checks; it implements `heads.Network`.

    :param model: the model; it is copied before it is rewritten.
    :param sha256: hash of the file, its external data and its tokenizer, hexadecimal.
    :param inputs: an image [1, 3, height, width], the token tensors [1, length] of a text, or
        those of its contract.
    :param outputs: the output tensors.
    :param metadata: the metadata properties of the file.
    :param adapted: the adaptations that `adapt_graph` and `reduce_batch` made.
    :param tokenizer: content of the `tokenizer.json` next to the file of a network that reads
        texts; '' for other networks.
    :param size_bytes: size of the file and its external data.
    :param contract: the tensor contract; None for a network that reads one image or text.
    """

    model: onnx.ModelProto
    sha256: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    metadata: Mapping[str, str]
    adapted: tuple[str, ...] = ()
    tokenizer: str = ''
    size_bytes: int = 0
    contract: TensorContract | None = None

    @property
    def reads_text(self) -> bool:
        """Whether the network reads texts."""
        return bool(self.tokenizer)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of its image in pixels; (0, 0) if it reads texts."""
        shape = self.inputs[0].shape
        return (shape[3], shape[2]) if len(shape) == 4 else (0, 0)

    @property
    def input_text(self) -> str:
        """The inputs as text, for messages."""
        return '; '.join(map(str, self.inputs))

    def makers(self, tensors: Sequence[str]) -> set[str]:
        """Return the operators that compute tensors, without those that only move values."""
        return walk.makers(self.model.graph, tensors)

    def concatenated(self, tensor: str) -> tuple[str, ...]:
        """Return the parts that are concatenated to a tensor; the tensor itself if none are."""
        return walk.concatenated(self.model.graph, tensor)

    def largest(self, tensor: str, columns: int) -> float:
        """Return the largest of the first columns of an output for noise; 0 if unknown."""
        return largest_for_noise(self.model, self.inputs, tensor, columns)

    def bias_lengths(self) -> set[int]:
        """Return the number of outputs of each convolution or matrix product with a bias."""
        return walk.bias_lengths(self.model.graph)

    def operators_before(self, tensor: str) -> set[str]:
        """Return the operators between a tensor and the convolutions that it depends on."""
        return walk.operators_before(self.model.graph, tensor)

    def finds_peaks(self) -> bool:
        """Return whether a map is compared with the maximum of its neighbours, as in CenterNet."""
        return walk.finds_peaks(self.model.graph)

    def has_operator(self, name: str) -> bool:
        """Return whether an operator occurs in the graph, including its branches and loops."""
        return walk.has_operator(self.model.graph, name)


def check_onnx(path: Path, input_shape: tuple[int, ...] = (),
               contract: TensorContract | None = None) -> CheckedOnnx:
    """
    Read and check an ONNX file.

    :param path: the file.
    :param input_shape: shape that fixes open dimensions of the input; empty for none.
    :param contract: all inputs and outputs; None for a network that reads one image or text.
    :raises ModelError: with the problem and the remedy.
    """
    file = read_onnx(path)
    load_external_data(file, path)
    model = file.model
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    adapted: tuple[str, ...] = ()
    if contract is not None:
        fit_inputs(model, contract, path)
    else:
        adapted = (*adapt_graph(model), *reduce_batch(model, path))
        fix_input_shape(model, input_shape or shape_in_metadata(model.graph, metadata), path)
    check_and_infer(model, path)
    if contract is not None:
        check_outputs(model, contract, path)
    _check_weights(model, path)
    _check_operators(model, path)
    return CheckedOnnx(
        model, file.sha256, input_specs(model, path) if contract is None else tuple(
            tensor_spec(value, path) for value in graph_inputs(model.graph).values()),
        tuple(tensor_spec(output, path) for output in model.graph.output),
        metadata, adapted, file.tokenizer,
        file.size_bytes, contract)


def _check_weights(model: onnx.ModelProto, path: Path) -> None:
    constants = [(tensor.name, tensor) for tensor in model.graph.initializer]
    constants += [(node.output[0], attribute.t) for node in model.graph.node
                  if node.op_type == 'Constant' for attribute in node.attribute
                  if attribute.name == 'value']
    for name, tensor in constants:
        if tensor.data_type not in _FLOATS:
            continue
        values = onnx.numpy_helper.to_array(tensor)
        # An infinity can be intended, as the bound of a clip or in a mask. A single NaN can mark
        # what a network leaves out (Deformable DETR).
        if values.size > 1 and np.isnan(values).any():
            raise ModelError(f"{path}: the weight '{name}' holds {int(np.isnan(values).sum())} "
                             f'NaN of {values.size} numbers: the training failed, or the file is '
                             'damaged', code='weights_nan')


def _check_operators(model: onnx.ModelProto, path: Path) -> None:
    plugins = sorted({f'{node.op_type} of {node.domain}' for node in all_nodes(model.graph)
                      if node.domain not in _KNOWN_DOMAINS})
    if plugins:
        raise ModelError(f"{path} needs custom plugins ({', '.join(plugins)}), which ONNX Runtime "
                         'does not have, so that nothing can be compared and nothing is built: '
                         'export it without them',
                         code='operator_unsupported')
