"""
What a network reads, and how a sample becomes its input tensors.

A network reads an image, a text or plain tensors. Each kind names the tensors that it fills;
dtype and shape of the tensors stand in the manifest's `inputs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import math
from types import MappingProxyType
from typing import Any

from edge_trt_ros.errors import ManifestError
from edge_trt_ros.tensor_spec import TensorSpec

# Of an image or of a network's input; a 16K sensor fits.
MAX_SIDE_PX = 16384
MAX_TOKENS = 65536
COLOR_ORDERS = ('rgb', 'bgr')
# What a tensor of a text network holds. `stacked` is [1, 3, 1, length]: engines of version 0.1.0.
TEXT_PARTS = ('ids', 'attention_mask', 'token_types', 'stacked')


@dataclass(frozen=True)
class ImageInput:
    """
    How pixels become the input tensor: `(value * scale - mean) / std`, channel by channel.

    :param size_wh: width and height of the network's input in pixels.
    :param color_order: 'rgb' or 'bgr', the order of the channels in the tensor.
    :param scale: factor applied to the 0..255 value first.
    :param mean: subtracted after scaling, in the tensor's channel order.
    :param std: divided by last, in the tensor's channel order.
    :param pad_value: 0..255, fills what the letterboxed image does not cover.
    :param tensor: name of the tensor [1, 3, height, width].
    :raises ManifestError: naming the field, its value and what is allowed.
    """

    size_wh: tuple[int, int]
    color_order: str = 'rgb'
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad_value: int = 114
    tensor: str = 'images'

    def __post_init__(self) -> None:
        if len(self.size_wh) != 2 or not all(1 <= side <= MAX_SIDE_PX for side in self.size_wh):
            raise ManifestError(f'size_wh of the image input is {self.size_wh}, expected width '
                                f'and height of 1 to {MAX_SIDE_PX}: rebuild the engine')
        if self.color_order not in COLOR_ORDERS:
            raise ManifestError(f"color_order of the image input is '{self.color_order}', "
                                f"expected {' or '.join(COLOR_ORDERS)}: rebuild the engine")
        numbers = (self.scale, *self.mean, *self.std)
        if len(self.mean) != 3 or len(self.std) != 3 or not all(self.std) \
                or not all(map(math.isfinite, numbers)):
            raise ManifestError('mean and std of the image input need three numbers each, std '
                                f'none of them 0, not {self.mean} and {self.std}, and scale a '
                                f'finite one, not {self.scale}: rebuild the engine')
        if self.pad_value not in range(256):
            raise ManifestError(f'pad_value of the image input is {self.pad_value}, expected 0 to '
                                '255: rebuild the engine')

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that it fills."""
        return (self.tensor,)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return (1, 3, self.size_wh[1], self.size_wh[0])


@dataclass(frozen=True)
class TextInput:
    """
    How a text becomes the input tensors: by the tokenizer of the network's training.

    :param length: tokens of a text; longer ones are cut off, shorter ones padded.
    :param parts: for each tensor which of `TEXT_PARTS` it holds.
    :param tokenizer: content of `tokenizer.json`.
    :raises ManifestError: naming the field, its value and what is allowed.
    """

    length: int
    parts: Mapping[str, str]
    tokenizer: str

    def __post_init__(self) -> None:
        if not 1 <= self.length <= MAX_TOKENS:
            raise ManifestError(f'length of the text input is {self.length}, expected 1 to '
                                f'{MAX_TOKENS} tokens: rebuild the engine')
        unknown = sorted(set(self.parts.values()) - set(TEXT_PARTS))
        if unknown or not self.parts:
            raise ManifestError(f"parts of the text input are {', '.join(unknown) or 'missing'}, "
                                f"expected {', '.join(TEXT_PARTS)}: rebuild the engine")

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that it fills."""
        return tuple(self.parts)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return (1, 3, 1, self.length) if self.parts[tensor] == 'stacked' else (1, self.length)


@dataclass(frozen=True)
class TensorInput:
    """
    A tensor that the caller provides as it is.

    :param tensor: its name.
    :param fixed_shape: its shape, outermost first.
    :param dtype: its dtype, as 'float32'.
    """

    tensor: str
    fixed_shape: tuple[int, ...]
    dtype: str = 'float32'

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that it fills."""
        return (self.tensor,)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return self.fixed_shape


NetworkInput = ImageInput | TextInput | TensorInput
# The name of each kind in a manifest.
INPUT_KINDS: Mapping[str, type] = MappingProxyType(
    {'image': ImageInput, 'text': TextInput, 'tensor': TensorInput})
_NAMES = {kind: name for name, kind in INPUT_KINDS.items()}
_DTYPES = {'image': ('float32', 'float16', 'bfloat16', 'uint8', 'int8'),
           'text': ('int32', 'int64')}


def kind_name(one: NetworkInput) -> str:
    """Return how a manifest names the kind of an input: 'image', 'text' or 'tensor'."""
    return _NAMES[type(one)]


def input_to_dict(one: NetworkInput) -> dict[str, Any]:
    """Return an input as plain values, as a manifest stores it."""
    return {'kind': kind_name(one), **asdict(one)}


def input_from_dict(stored: Mapping[str, Any]) -> NetworkInput:
    """
    Read an input from plain values.

    :param stored: what `input_to_dict` returns; lists for tuples.
    :raises ManifestError: for an unknown kind or a value that is not allowed.
    :raises TypeError: for fields that the kind does not have, or values of another type.
    :raises ValueError: for numbers that cannot be read.
    """
    values = dict(stored)
    name = values.pop('kind', None)
    if name not in INPUT_KINDS:
        raise ManifestError(f'the kind of an input is {name!r}, expected '
                            f"{', '.join(INPUT_KINDS)}: update edge_trt_ros, or rebuild the "
                            'engine')
    for key, convert in (('size_wh', int), ('mean', float), ('std', float), ('fixed_shape', int)):
        if key in values:
            values[key] = tuple(map(convert, values[key]))
    if 'parts' in values:
        values['parts'] = {str(key): str(part) for key, part in dict(values['parts']).items()}
    made: NetworkInput = INPUT_KINDS[name](**values)
    return made


def check_inputs(kinds: Sequence[NetworkInput], tensors: Sequence[TensorSpec]) -> None:
    """
    Check that inputs fill every tensor of a network once, with values of its dtype and shape.

    :param kinds: what the network reads.
    :param tensors: its input tensors.
    :raises ManifestError: naming the tensor, both shapes or dtypes, and the remedy.
    """
    by_name = {one.name: one for one in tensors}
    filled = [name for kind in kinds for name in kind.tensors]
    if sorted(filled) != sorted(by_name):
        raise ManifestError(f'the inputs fill the tensors {filled}, but the network has '
                            f'{list(by_name)}: rebuild the engine')
    for kind in kinds:
        for name in kind.tensors:
            spec, wanted = by_name[name], kind.shape(name)
            allowed = (kind.dtype,) if isinstance(kind, TensorInput) else _DTYPES[kind_name(kind)]
            fits = len(spec.shape) == len(wanted) and all(
                have in (-1, want) for have, want in zip(spec.shape, wanted))
            if not fits or spec.dtype not in allowed:
                raise ManifestError(
                    f'the {kind_name(kind)} input fills {list(wanted)} of '
                    f"{' or '.join(allowed)}, but the network's tensor is {spec}: rebuild the "
                    'engine')
