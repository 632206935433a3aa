# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The export options: everything that decides which ONNX is exported from a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from edge_trt_ros.convert.graph.metadata import INPUT_CONTRACT
from edge_trt_ros.convert.options import shape_from_text
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.network_input import ImageInput
from edge_trt_ros.tensor_spec import TensorSpec

DYNAMIC_AXES = {'batch': 0, 'height': 2, 'width': 3}
INPUT_DTYPES = ('float32', 'int32', 'int64')
DEFAULT_OPSET = 18
# Written from `task`, `labels` and `image_input` (see `convert.graph.metadata`).
_OWN_METADATA = ('task', 'names', 'imgsz', INPUT_CONTRACT)


@dataclass(frozen=True)
class ExportOptions:
    """
    What to export.

    :param inputs: the network's inputs in the order of its arguments, with the shapes to trace
        it with; `dynamic` states which axes are dynamic, not a length of -1.
    :param output_names: names of the outputs; the default is output0, output1, ...
    :param dynamic: the dynamic axes: any of batch, height and width.
    :param opset: version of the ONNX operators.
    :param task: the network's task, such as `detect`; '' writes none into the ONNX.
    :param labels: class names; the index is the class.
    :param image_input: how pixels become the input; None for a network without image input.
    :param metadata: further metadata properties of the ONNX, as author or license.
    :raises ConfigurationError: naming the field, its value and the allowed values.
    """

    inputs: tuple[TensorSpec, ...]
    output_names: tuple[str, ...] = ()
    dynamic: frozenset[str] = frozenset()
    opset: int = DEFAULT_OPSET
    task: str = ''
    labels: tuple[str, ...] = ()
    image_input: ImageInput | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ConfigurationError('no input shape is given, expected for example 1x3x640x640')
        unknown = sorted(self.dynamic - set(DYNAMIC_AXES))
        if unknown:
            raise ConfigurationError(f"dynamic is {', '.join(unknown)}, known are "
                                     f"{', '.join(DYNAMIC_AXES)}")
        names = [tensor.name for tensor in self.inputs] + list(self.output_names)
        twice = sorted({name for name in names if names.count(name) > 1 or not name})
        if twice:
            raise ConfigurationError(f'the tensor name {twice[0]!r} is empty or given twice: give '
                                     'every input and output a unique name')
        taken = sorted(set(self.metadata) & set(_OWN_METADATA))
        if taken:
            raise ConfigurationError(f"metadata has {', '.join(taken)}, which task, labels and "
                                     'image_input define: set those instead')

    def dynamic_axes(self, tensor: TensorSpec) -> dict[int, str]:
        """Return the index and name of each dynamic axis of an input."""
        axes = {DYNAMIC_AXES[name]: name for name in sorted(self.dynamic)}
        # Only images have a height and a width.
        return {axis: name for axis, name in axes.items() if axis == 0 or len(tensor.shape) == 4}


def inputs_from_text(shapes: Sequence[str], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """
    Parse inputs such as '1x3x640x640' or '1x128:int64'.

    :param shapes: lengths separated by x, then the dtype if it is not float32.
    :param names: one name for each; by default 'images' for an image and 'input0', ... for
        others.
    :raises ConfigurationError: if a shape is invalid, or the numbers of names and shapes differ.
    """
    if names and len(names) != len(shapes):
        raise ConfigurationError(f'{len(names)} input names are given for {len(shapes)} input '
                                 'shapes: give one name for each shape')
    inputs = []
    for index, text in enumerate(shapes):
        lengths, _, dtype = text.partition(':')
        shape = shape_from_text(lengths)
        if not shape or min(shape) < 1 or (dtype or 'float32') not in INPUT_DTYPES:
            raise ConfigurationError(
                f"the input shape is '{text}', expected numbers such as 1x3x640x640, or with a "
                f"dtype as in 1x128:int64 (one of {', '.join(INPUT_DTYPES)})")
        default = 'images' if len(shapes) == 1 and len(shape) == 4 else f'input{index}'
        inputs.append(TensorSpec(names[index] if names else default, dtype or 'float32', shape))
    return tuple(inputs)
