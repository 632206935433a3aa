# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Export a TensorFlow SavedModel or a Keras file to an ONNX in memory, through tf2onnx.

The image input of the ONNX is [batch, 3, height, width], as in all networks of this package, also
if the network's own order is [batch, height, width, 3].
"""

from __future__ import annotations

from collections.abc import Callable
import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.errors import ConfigurationError, first_line, ModelError
from edge_trt_ros.export.options import ExportOptions
from edge_trt_ros.export.parity import Arrays, Exported
from edge_trt_ros.optional_libraries import require


def onnx_from_tensorflow(source: str, options: ExportOptions) -> Exported:
    """
    Export a network.

    :param source: folder of a SavedModel, or a Keras file.
    :param options: what to export.
    :raises MissingLibraryError: if TensorFlow or tf2onnx is not installed.
    :raises ModelError: if the network cannot be loaded or exported.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    os.environ.setdefault('CUDA_VISIBLE_DEVICES', '')
    tf = require('tensorflow', f'exporting {source}')
    tf2onnx = require('tf2onnx', f'exporting {source}')
    path = str(Path(source).expanduser())
    try:
        # Keep a reference: a SavedModel frees its variables with the loaded object.
        loaded = tf.saved_model.load(path) if os.path.isdir(path) \
            else tf.keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # its type depends on version and damage
        raise ModelError(f'{source} cannot be loaded by TensorFlow {tf.__version__}: '
                         f'{first_line(error)}') from error
    network = tf.function(_network(tf, loaded, source, len(options.inputs)))
    signature = []
    for tensor in options.inputs:
        shape = [None if axis in options.dynamic_axes(tensor) else length
                 for axis, length in enumerate(tensor.shape)]
        signature.append(tf.TensorSpec(shape, tensor.dtype, tensor.name))
    try:
        function = network.get_concrete_function(*signature)
        model, _ = tf2onnx.convert.from_function(network, signature, opset=options.opset)
    except Exception as error:  # its type depends on the unsupported operator
        raise ModelError(f'tf2onnx {tf2onnx.__version__} cannot export {source} for inputs '
                         f"{', '.join(map(str, options.inputs))}: {first_line(error)}") from error
    count = len(model.graph.output)
    names = list(options.output_names) or [f'output{index}' for index in range(count)]
    if len(names) != count:
        raise ConfigurationError(f'{len(names)} output names are given, but the network has '
                                 f'{count} outputs: give one name for each output')
    _rename(model, names, options)

    def run(feed: Arrays) -> list[NDArray[Any]]:
        return [output.numpy() for output in tf.nest.flatten(function(*map(tf.constant, feed)))]
    return Exported(model, f'TensorFlow {tf.__version__}', run)


def _network(tf: Any, loaded: Any, source: str, inputs: int) -> Callable[..., Any]:
    """Return the network as a function of its inputs in order, with images as NCHW."""
    if hasattr(loaded, 'signatures'):
        served = loaded.signatures.get('serving_default')
        if served is None:
            raise ModelError(f"{source} has the signatures {list(loaded.signatures) or 'none'}, "
                             "expected 'serving_default': save it with that signature")
        inputs_of = served.structured_input_signature[1]
        shapes = [spec.shape for spec in inputs_of.values()]

        def call(tensors: list[Any]) -> Any:
            return served(**dict(zip(inputs_of, tensors)))
    else:
        shapes = [tensor.shape for tensor in loaded.inputs]

        def call(tensors: list[Any]) -> Any:
            return loaded(tensors[0] if len(tensors) == 1 else tensors, training=False)
    if len(shapes) != inputs:
        raise ConfigurationError(f'{source} has {len(shapes)} inputs, but {inputs} input shapes '
                                 'are given: give one shape for each input')

    def network(*tensors: Any) -> Any:
        return tf.nest.flatten(call([
            tf.transpose(tensor, [0, 2, 3, 1]) if len(shape) == 4 and shape[-1] == 3 else tensor
            for tensor, shape in zip(tensors, shapes)]))
    return network


def _rename(model: Any, names: list[str], options: ExportOptions) -> None:
    """Rename outputs and dynamic axes as the options state."""
    _rename_values(model.graph, {
        output.name: name for output, name in zip(model.graph.output, names)})
    inputs = {tensor.name: tensor for tensor in options.inputs}
    for value in model.graph.input:
        if value.name in inputs:
            for axis, name in options.dynamic_axes(inputs[value.name]).items():
                value.type.tensor_type.shape.dim[axis].dim_param = name


def _rename_values(graph: Any, new: dict[str, str]) -> None:
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                names[index] = new.get(name, name)
        for attribute in node.attribute:
            if attribute.HasField('g'):
                _rename_values(attribute.g, new)
    for value in graph.output:
        value.name = new.get(value.name, value.name)
