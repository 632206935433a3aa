# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""2:4 sparsity: two of four neighbouring input channels are zero, and kernels skip them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import numpy_helper

from edge_trt_ros.convert.graph.edit import weighted_nodes
from edge_trt_ros.errors import ModelError


@dataclass(frozen=True)
class SparsityPattern:
    """
    The weights of a network that are pruned 2:4.

    :param pruned: names of the pruned weights.
    :param dense: names of the weights that could be pruned and are not.
    """

    pruned: tuple[str, ...]
    dense: tuple[str, ...]

    def __str__(self) -> str:
        return f'{len(self.pruned)} of {len(self.pruned) + len(self.dense)} weights pruned 2 of 4'


def check_sparsity(model: onnx.ModelProto) -> SparsityPattern:
    """
    Find the weights of convolutions and matrix products that are pruned 2:4.

    :param model: the float32 graph; not modified.
    :returns: the pattern, without weights whose input channels are not a multiple of 4.
    :raises ModelError: if no weight is pruned 2:4.
    """
    constants = {tensor.name: tensor for tensor in model.graph.initializer}
    pruned: dict[str, bool] = {}
    for node in weighted_nodes(model.graph):
        rows = _input_channels_last(node, numpy_helper.to_array(constants[node.input[1]]))
        if rows is not None:
            fours = rows.reshape(-1, 4)
            pruned[node.input[1]] = bool(((fours != 0).sum(axis=1) <= 2).all())
    found = SparsityPattern(tuple(name for name, is_so in pruned.items() if is_so),
                            tuple(name for name, is_so in pruned.items() if not is_so))
    if not found.pruned:
        raise ModelError(f'sparsity is set, but of {len(pruned)} weights that could be pruned 2 '
                         'of 4 none is: fine-tune the network with '
                         'edge_trt_ros.convert.precision.sparse_training and export it again, or '
                         'unset it')
    return found


def _input_channels_last(node: onnx.NodeProto, weight: NDArray[np.floating]
                         ) -> NDArray[np.floating] | None:
    attributes = {attribute.name: attribute.i for attribute in node.attribute}
    if node.op_type == 'Conv' and attributes.get('group', 1) == 1:
        channels = np.moveaxis(weight, 1, -1)
    elif node.op_type == 'Gemm' and attributes.get('transB'):
        channels = weight
    elif node.op_type in ('Gemm', 'MatMul') and weight.ndim == 2:
        channels = weight.T
    else:
        return None
    return channels if channels.shape[-1] % 4 == 0 else None
