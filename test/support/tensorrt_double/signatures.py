# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Checks the arguments of a call against the signatures in an inventory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
import operator
import re
from typing import Any

_NEEDED = object()
_NUMBERS = {'int', 'typing.SupportsInt', 'float', 'typing.SupportsFloat'}
_BUFFERS = {'buffer', 'typing_extensions.Buffer'}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a signature."""

    name: str
    kind: str
    is_needed: bool


@lru_cache(maxsize=None)
def parameters(signature: str) -> tuple[Parameter, ...]:
    """Return the parameters of a signature of pybind11, without self."""
    found, depth, text = [], 0, ''
    for letter in signature.rpartition(') -> ')[0][1:] + ',':
        depth += letter in '[(<'
        depth -= letter in '])>'
        if letter == ',' and depth == 0:
            found.append(text.strip())
            text = ''
        else:
            text += letter
    parts = [re.fullmatch(r'(\w+): (.*?)( = .*)?', part) for part in found if part]
    return tuple(Parameter(part[1], part[2], not part[3]) for part in parts if part)[1:]


def bound(signatures: Sequence[str], arguments: Sequence[Any], named: Mapping[str, Any],
          fits: Callable[[str, Any], bool]) -> list[Any]:
    """
    Return the arguments of a call in order.

    :param signatures: the overloads of a method.
    :param arguments: the arguments by position.
    :param named: the arguments by name.
    :param fits: whether a value has a type, given its name.
    :raises TypeError: if no overload takes them, as pybind11 does.
    """
    for signature in signatures:
        expected = parameters(signature)
        values = dict(zip((parameter.name for parameter in expected), arguments))
        if len(arguments) > len(expected) or set(named) & set(values) or set(named) - {
                parameter.name for parameter in expected}:
            continue
        values |= named
        if all(not parameter.is_needed or parameter.name in values for parameter in expected) \
                and all(fits(parameter.kind, values[parameter.name]) for parameter in expected
                        if parameter.name in values):
            return [values.get(parameter.name, None) for parameter in expected]
    raise TypeError(f'incompatible function arguments: {list(arguments)} {dict(named)}, expected '
                    f'one of {list(signatures)}')


def fits_plain(kind: str, value: Any) -> bool | None:
    """Return whether a value has a type of Python; None for types of the library."""
    if kind in _NUMBERS:
        try:
            operator.index(value)
        except TypeError:
            return isinstance(value, float) and 'loat' in kind
        return not isinstance(value, bool)
    if kind in _BUFFERS:
        return isinstance(value, (bytes, bytearray, memoryview))
    if kind == 'Dims' or kind == 'tuple' or kind == 'list':
        return isinstance(value, (tuple, list)) and all(
            isinstance(length, int) for length in value)
    plain = {'str': str, 'bool': bool}.get(kind)
    return None if plain is None else isinstance(value, plain)
