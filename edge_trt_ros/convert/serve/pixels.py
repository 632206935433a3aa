# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Puts the preprocessing of an image into the graph: a served model reads uint8 pixels."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper, numpy_helper, TensorProto

from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import ImageInput

_ELEMENT_TYPES = {'float32': TensorProto.FLOAT, 'float16': TensorProto.FLOAT16,
                  'bfloat16': TensorProto.BFLOAT16}
_PREFIX = 'edge_trt_ros/'


def reads_pixels(manifest: EngineManifest) -> bool:
    """Return whether `pixels_graph` can put the preprocessing of an engine into its graph."""
    return isinstance(manifest.input_kinds[0], ImageInput) and len(manifest.inputs) == 1 \
        and manifest.inputs[0].dtype in _ELEMENT_TYPES


def pixels_graph(engine: bytes, manifest: EngineManifest, name: str) -> bytes:
    """
    Return an engine's ONNX with uint8 pixels as its input.

    The new input is [1, height, width, 3] in the network's colour order: the letterboxed frame.
    Layout, scale, mean and std are the first nodes, and compute what the host computes.

    :param engine: bytes of an ONNX for which `reads_pixels` is true.
    :param manifest: its manifest.
    :param name: name of the new input.
    """
    model = onnx.load_from_string(engine)
    image, tensor = manifest.image_input, manifest.inputs[0]
    width, height = image.size_wh
    gain = np.array([np.float32(image.scale / std) for std in image.std], np.float32)
    offset = np.array([np.float32(-mean / std) for mean, std in zip(image.mean, image.std)],
                      np.float32)
    planes, wide, scaled, moved = (f'{_PREFIX}{part}' for part in (
        'planes', 'wide', 'scaled', 'moved'))
    nodes = [helper.make_node('Transpose', [name], [planes], perm=[0, 3, 1, 2])]
    if (gain == gain[0]).all() and gain[0] > 0:
        # The same in one pass over the pixels, which takes half of the time.
        nodes.append(helper.make_node('DequantizeLinear', [planes, f'{_PREFIX}gain'], [scaled]))
        constants = [numpy_helper.from_array(gain[0], f'{_PREFIX}gain')]
    else:
        nodes += [helper.make_node('Cast', [planes], [wide], to=TensorProto.FLOAT),
                  helper.make_node('Mul', [wide, f'{_PREFIX}gain'], [scaled])]
        constants = [numpy_helper.from_array(gain.reshape(1, 3, 1, 1), f'{_PREFIX}gain')]
    if offset.any():
        nodes.append(helper.make_node('Add', [scaled, f'{_PREFIX}offset'], [moved]))
        constants.append(numpy_helper.from_array(offset.reshape(1, 3, 1, 1), f'{_PREFIX}offset'))
    nodes.append(helper.make_node('Cast', [nodes[-1].output[0]], [tensor.name],
                                  to=_ELEMENT_TYPES[tensor.dtype]))
    graph = model.graph
    graph.input[0].CopyFrom(helper.make_tensor_value_info(
        name, TensorProto.UINT8, [1, height, width, 3]))
    network = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *network])
    graph.initializer.extend(constants)
    return bytes(model.SerializeToString(deterministic=True))
