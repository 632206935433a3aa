"""The export options: everything that decides what ONNX is made of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edge_trt_ros.convert.options import shape_from_text
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.manifest import InputContract
from edge_trt_ros.tensor_spec import TensorSpec

DYNAMIC_AXES = {'batch': 0, 'height': 2, 'width': 3}
INPUT_DTYPES = ('float32', 'int32', 'int64')
DEFAULT_OPSET = 18


@dataclass(frozen=True)
class ExportOptions:
    """
    What to export.

    :param inputs: the network's inputs in the order of its arguments, with the shapes that it
        is tried on; open dimensions are told by `dynamic`, not by -1.
    :param output_names: names of its outputs; empty gives output0, output1, ...
    :param dynamic: which of batch, height and width stay open.
    :param opset: version of the ONNX operators.
    :param task: what the network is for, as `detect`; '' if that is not to be told.
    :param labels: class names; the index is the class.
    :param input_contract: how pixels become the input; None for a network that takes no image.
    :raises ConfigurationError: naming the field, its value and what is allowed.
    """

    inputs: tuple[TensorSpec, ...]
    output_names: tuple[str, ...] = ()
    dynamic: frozenset[str] = frozenset()
    opset: int = DEFAULT_OPSET
    task: str = ''
    labels: tuple[str, ...] = ()
    input_contract: InputContract | None = None

    def __post_init__(self) -> None:
        if not self.inputs:
            raise ConfigurationError('no input shape is given: for example 1x3x640x640')
        unknown = sorted(self.dynamic - set(DYNAMIC_AXES))
        if unknown:
            raise ConfigurationError(f"dynamic is {', '.join(unknown)}, known are "
                                     f"{', '.join(DYNAMIC_AXES)}")
        names = [one.name for one in self.inputs] + list(self.output_names)
        twice = sorted({name for name in names if names.count(name) > 1 or not name})
        if twice:
            raise ConfigurationError(f'the tensor name {twice[0]!r} is given twice, or is empty: '
                                     'every input and output needs a name of its own')

    def dynamic_axes(self, one: TensorSpec) -> dict[int, str]:
        """Return the open dimensions of an input: their index and name."""
        axes = {DYNAMIC_AXES[name]: name for name in sorted(self.dynamic)}
        # Height and width are those of images.
        return {axis: name for axis, name in axes.items() if axis == 0 or len(one.shape) == 4}


def inputs_from_text(shapes: Sequence[str], names: Sequence[str]) -> tuple[TensorSpec, ...]:
    """
    Read inputs such as '1x3x640x640' or '1x128:int64'.

    :param shapes: lengths with x between them, then the dtype if it is not float32.
    :param names: their names; none gives 'images' to an image and 'input0', ... to others.
    :raises ConfigurationError: if they cannot be read, or are not as many as the names.
    """
    if names and len(names) != len(shapes):
        raise ConfigurationError(f'{len(names)} input names are given for {len(shapes)} input '
                                 'shapes: give one for each')
    inputs = []
    for index, text in enumerate(shapes):
        lengths, _, dtype = text.partition(':')
        shape = shape_from_text(lengths)
        if not shape or min(shape) < 1 or (dtype or 'float32') not in INPUT_DTYPES:
            raise ConfigurationError(
                f"the input shape is '{text}', expected numbers such as 1x3x640x640, and "
                f"'1x128:int64' for one of {', '.join(INPUT_DTYPES)}")
        default = 'images' if len(shapes) == 1 and len(shape) == 4 else f'input{index}'
        inputs.append(TensorSpec(names[index] if names else default, dtype or 'float32', shape))
    return tuple(inputs)
