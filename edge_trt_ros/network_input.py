# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The inputs of a network, and how a sample becomes its input tensors.

A network reads an image, a text or plain tensors. Each kind of input names the tensors that it
fills; the manifest's `inputs` state the dtype and shape of the tensors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import math
from types import MappingProxyType
from typing import Any

from edge_trt_ros.errors import ManifestError
from edge_trt_ros.tensor_input import StateInput, TensorInput
from edge_trt_ros.tensor_spec import check_size_bytes, TensorSpec

# How an image fits into the input (see `vision.letterbox.Letterbox.fit`).
FITS = ('letterbox', 'top_left', 'crop', 'squash')
RESIZES = ('opencv', 'pillow', 'pillow_bicubic')
# Maximum width and height of an image or a network's input; a 16K sensor fits.
MAX_SIDE_PX = 16384
MAX_TOKENS = 65536
COLOR_ORDERS = ('rgb', 'bgr')
# Contents of a text network's tensors. `stacked` is [1, 3, 1, length], used by version 0.1.0.
TEXT_PARTS = ('ids', 'attention_mask', 'token_types', 'stacked')


@dataclass(frozen=True)
class ImageInput:
    """
    How pixels become the input tensor: `(value * scale - mean) / std`, channel by channel.

    :param size_wh: width and height of the network's input in pixels.
    :param color_order: 'rgb' or 'bgr', the order of the channels in the tensor.
    :param scale: factor for values of 0..255, applied first.
    :param mean: subtracted after scaling, in the tensor's channel order.
    :param std: divisor, applied last, in the tensor's channel order.
    :param pad_value: 0..255, fills the padding of the letterbox.
    :param fit: how an image fits, one of `FITS`; `resize`, one of `RESIZES`, is how it is scaled.
    :param crop_fraction: part of the resized image's shorter side that a crop shows.
    :param tensor: name of the tensor [1, 3, height, width].
    :raises ManifestError: names the field, its value and the allowed values.
    """

    size_wh: tuple[int, int]
    color_order: str = 'rgb'
    scale: float = 1 / 255
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    pad_value: int = 114
    tensor: str = 'images'
    fit: str = 'letterbox'
    crop_fraction: float = 1.0
    resize: str = 'opencv'

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
        if self.fit not in FITS or self.resize not in RESIZES \
                or not 0.1 <= self.crop_fraction <= 1:
            raise ManifestError(f"fit '{self.fit}', crop_fraction {self.crop_fraction}, resize "
                                f"'{self.resize}': expected {', '.join(FITS + RESIZES)}, 0.1 to 1")

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that this input fills."""
        return (self.tensor,)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes that the tensor may have."""
        return ('float32', 'float16', 'bfloat16', 'uint8', 'int8')

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return (1, 3, self.size_wh[1], self.size_wh[0])

    def __str__(self) -> str:
        return f'{self.color_order} image, {self._values_text()}, {self._fit_text()}'

    def _values_text(self) -> str:
        text = f'values 0 to {255 * self.scale:.6g}'
        if any(self.mean) or set(self.std) != {1.0}:
            text += f', minus {list(self.mean)}, divided by {list(self.std)}'
        return text

    def _fit_text(self) -> str:
        if self.fit == 'squash':
            return 'stretched'
        if self.fit == 'crop':
            return f'resized, and cropped to {100 * self.crop_fraction:.4g} % of the shorter side'
        where = 'on the right and at the bottom ' if self.fit == 'top_left' else ''
        return f'padded {where}with {self.pad_value}'


@dataclass(frozen=True)
class TextInput:
    """
    How a text becomes the input tensors, with the tokenizer that the network was trained with.

    :param length: tokens per text; longer texts are truncated, shorter texts are padded.
    :param parts: for each tensor its content, a name in `TEXT_PARTS`.
    :param tokenizer: content of `tokenizer.json`.
    :raises ManifestError: names the field, its value and the allowed values.
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
        """Names of the tensors that this input fills."""
        return tuple(self.parts)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtypes that the tensors may have."""
        return ('int32', 'int64')

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return (1, 3, 1, self.length) if self.parts[tensor] == 'stacked' else (1, self.length)

    def __str__(self) -> str:
        return f'text of {self.length} tokens'


NetworkInput = ImageInput | TextInput | TensorInput | StateInput
# The kinds of inputs by their names in a manifest.
INPUT_KINDS: Mapping[str, type] = MappingProxyType(
    {'image': ImageInput, 'text': TextInput, 'tensor': TensorInput, 'state': StateInput})
_NAMES = {kind: name for name, kind in INPUT_KINDS.items()}


def kind_name(network_input: NetworkInput) -> str:
    """Return the name of an input's kind in a manifest: 'image', 'text', 'tensor' or 'state'."""
    return _NAMES[type(network_input)]


def input_to_dict(network_input: NetworkInput) -> dict[str, Any]:
    """Return an input as plain values for a manifest."""
    return {'kind': kind_name(network_input), **asdict(network_input)}


def input_from_dict(stored: Mapping[str, Any]) -> NetworkInput:
    """
    Read an input from plain values.

    :param stored: values from `input_to_dict`; tuples may be lists.
    :raises ManifestError: for an unknown kind or a value that is not allowed.
    :raises TypeError: for unknown fields, or values of the wrong type.
    :raises ValueError: for values that are not numbers.
    """
    values = dict(stored)
    name = values.pop('kind', None)
    if name not in INPUT_KINDS:
        raise ManifestError(f'the kind of an input is {name!r}, expected '
                            f"{', '.join(INPUT_KINDS)}: update edge_trt_ros, or rebuild the "
                            'engine')
    for key, convert in (('size_wh', int), ('mean', float), ('std', float), ('fixed_shape', int),
                         ('initial', float)):
        if key in values:
            values[key] = tuple(map(convert, values[key]))
    if 'parts' in values:
        values['parts'] = {str(key): str(part) for key, part in dict(values['parts']).items()}
    made: NetworkInput = INPUT_KINDS[name](**values)
    return made


def check_inputs(kinds: Sequence[NetworkInput], tensors: Sequence[TensorSpec]) -> None:
    """
    Check that inputs fill each tensor of a network exactly once, with matching dtype and shape.

    :param kinds: the network's inputs.
    :param tensors: the network's input tensors.
    :raises ManifestError: names the tensor, both shapes or dtypes, and the remedy.
    """
    by_name = {spec.name: spec for spec in tensors}
    filled = [name for kind in kinds for name in kind.tensors]
    if sorted(filled) != sorted(by_name):
        raise ManifestError(f'the inputs fill the tensors {filled}, but the network has '
                            f'{list(by_name)}: rebuild the engine')
    for kind in kinds:
        for name in kind.tensors:
            spec, wanted = by_name[name], kind.shape(name)
            fits = len(spec.shape) == len(wanted) and all(
                want > 0 and have in (-1, want) for have, want in zip(spec.shape, wanted))
            if not fits or spec.dtype not in kind.dtypes:
                raise ManifestError(
                    f'the {kind_name(kind)} input fills {list(wanted)} of '
                    f"{' or '.join(kind.dtypes)}, but the network's tensor is {spec}: rebuild the "
                    'engine')
            # Where the network leaves lengths open, the input decides what is allocated.
            check_size_bytes(TensorSpec(name, spec.dtype, wanted))
