# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Building for a deep learning accelerator (DLA), which TensorRT 10 and 11 address differently.

Before TensorRT 11 a DLA obeys builder flags, so the network is weakly typed; since then it obeys
the types of the graph, as the GPU does.
"""

from __future__ import annotations

from typing import Any, TYPE_CHECKING

import onnx

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.runtime.tensorrt.library import TensorRt

if TYPE_CHECKING:
    from tensorrt import Builder, BuilderFlag, IBuilderConfig, INetworkDefinition, Module


def is_weakly_typed(trt: Module, dla: bool) -> bool:
    """Return whether precisions are chosen by builder flags instead of the types of the graph."""
    return (not hasattr(trt.NetworkDefinitionCreationFlag, 'STRONGLY_TYPED')
            or dla and hasattr(trt.BuilderFlag, 'FP16'))


def weak_flags(trt: Module, model: onnx.ModelProto) -> list[BuilderFlag]:
    """Return the builder flags that a weakly typed network needs for the types of the graph."""
    kinds = {tensor.data_type for tensor in model.graph.initializer}
    kinds |= {attribute.i for node in model.graph.node if node.op_type == 'Cast'
              for attribute in node.attribute if attribute.name == 'to'}
    operators = {node.op_type for node in model.graph.node}
    return [flag for flag, is_needed in (
        (trt.BuilderFlag.FP16, onnx.TensorProto.FLOAT16 in kinds),
        (trt.BuilderFlag.BF16, onnx.TensorProto.BFLOAT16 in kinds),
        (trt.BuilderFlag.INT8, 'QuantizeLinear' in operators)) if is_needed]


def check_dla(builder: Builder, library: TensorRt) -> None:
    """
    Check that there is a DLA.

    :raises ConfigurationError: if the library finds none.
    """
    if not builder.num_DLA_cores:
        raise ConfigurationError(
            f'dla is set, but {library.name} {library.version} finds no DLA core on this machine: '
            'unset it, or build on an Orin with a DLA, with TensorRT 10.0 to 10.7 (JetPack 6) or '
            '11.4.1 and later (JetPack 7.2.2)', code='dla_missing')


def layers_on_dla(config: IBuilderConfig, network: INetworkDefinition, library: TensorRt
                  ) -> dict[str, Any]:
    """
    Return how many layers the DLA runs; the others fall back to the GPU.

    :raises ConfigurationError: if it runs none: the GPU alone would compute.
    """
    layers = [network.get_layer(index) for index in range(network.num_layers)]
    count = sum(config.can_run_on_DLA(layer) for layer in layers)
    if not count:
        raise ConfigurationError(
            f'dla is set, but {library.name} {library.version} can run none of the {len(layers)} '
            'layers on the DLA: unset it, or set precision to fp16', code='dla_unused')
    return {'dla': f'{count} of {len(layers)}'}
