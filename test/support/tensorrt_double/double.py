# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A Python module with the interface of one version of TensorRT, and nothing else.

Each call and each assignment is checked against the inventory and recorded. What the library
does is in `builds` and `runs`; a method without behaviour there raises NotImplementedError.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from support.tensorrt_api.inventory import Inventory, load
from support.tensorrt_double.signatures import bound, fits_plain

# What a method does: called with the double, the object and the arguments in order.
Behaviour = Callable[..., Any]
REFUSED = TypeError('pybind11::init(): factory function returned nullptr')


class Double:
    """
    One version of the library on one machine.

    :param version: an inventory, as '10.3.0'.
    :param behaviours: what methods do and what properties return, by 'Class.name'.
    :param dla_cores: DLA cores of the machine.
    :param queue: starts work on a stream, given the handle of the stream; returns whether it
        could.
    """

    def __init__(self, version: str, behaviours: dict[str, Behaviour], *, dla_cores: int = 0,
                 queue: Callable[[int, Callable[[], None]], bool] = lambda stream, work: False
                 ) -> None:
        self.inventory: Inventory = load(f'tensorrt-{version}')
        self.version, self.dla_cores, self.queue = version, dla_cores, queue
        self.gpu, self.cuda_error, self.fail_in = '8.7', 0, ''
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.released: list[str] = []
        self._behaviours = behaviours
        module: Any = ModuleType('tensorrt')
        module.__spec__ = ModuleSpec('tensorrt', None, origin=f'double of {version}')
        module.__version__ = version
        self.module = module
        self._kinds: dict[str, Any] = {}
        for name in self.inventory['classes']:
            self._kind(name)

    def made(self, name: str, /, **state: Any) -> Any:
        """Return an object of a class that has no constructor, with the state that it holds."""
        kind = self._kinds[name]
        thing = kind.__new__(kind)
        thing.__dict__.update({f'_{key}': value for key, value in state.items()})
        return thing

    def of(self, name: str) -> list[tuple[Any, ...]]:
        """Return the arguments of each recorded call of 'Class.name', in order."""
        return [arguments for called, arguments in self.calls if called == name]

    def has(self, name: str) -> bool:
        """Return whether this version has 'Class.member'."""
        kind, _, member = name.partition('.')
        found = self.inventory['classes'].get(kind, {})
        return any(member in found.get(group, ()) for group in (
            'members', 'methods', 'properties'))

    def fails(self, place: str) -> bool:
        """Return whether a test asked for a failure at this place."""
        return self.fail_in == place

    def _kind(self, name: str) -> Any:
        if name in self._kinds:
            return self._kinds[name]
        described = self.inventory['classes'][name]
        kind: Any
        if 'members' in described:
            kind = _enumeration(name, described['members'])
        else:
            bases = tuple(self._kind(base) for base in described['bases']
                          if base in self.inventory['classes'])
            kind = type(name, bases or (_Thing,), {
                '_double': self, **self._methods(name, described['methods']),
                **self._properties(name, described['properties'])})
        self._kinds[name] = kind
        setattr(self.module, name, kind)
        return kind

    def _methods(self, owner: str, methods: dict[str, list[str]]) -> dict[str, Any]:
        made = {name: self._method(f'{owner}.{name}', signatures)
                for name, signatures in methods.items()}
        if methods.get('__init__') == []:
            made['__init__'] = _no_constructor
        return made

    def _method(self, name: str, signatures: list[str]) -> Any:
        def method(thing: Any, *arguments: Any, **named: Any) -> Any:
            values = bound(signatures, arguments, named, self._fits)
            if not name.endswith('.__init__') or name in self._behaviours:
                self.calls.append((name, tuple(values)))
            elif type(thing).__mro__[1] is _Thing:
                raise NotImplementedError(f'the double has no {name}')
            else:
                return None  # the base of a class of ours
            if name not in self._behaviours:
                raise NotImplementedError(f'the double has no {name}')
            return self._behaviours[name](self, thing, *values)
        return method

    def _properties(self, owner: str, properties: dict[str, Any]) -> dict[str, Any]:
        return {name: self._property(owner, name, kind, is_writable)
                for name, (kind, is_writable) in properties.items()}

    def _property(self, owner: str, name: str, kind: str, is_writable: bool) -> Any:
        nested = self.inventory['classes'].get(kind, {})
        if name == kind:
            return self._kind(kind)
        if name in nested.get('members', ()) and not is_writable:
            return self._kind(kind)[name]
        full = f'{owner}.{name}'

        def get(thing: Any) -> Any:
            if f'_{name}' in thing.__dict__:
                return thing.__dict__[f'_{name}']
            if full not in self._behaviours:
                raise NotImplementedError(f'the double does not know {full}')
            return self._behaviours[full](self, thing)

        def put(thing: Any, value: Any) -> None:
            if not self._fits(kind, value):
                raise TypeError(f'{full} is {value!r}, expected {kind}')
            self.calls.append((full, (value,)))
            thing.__dict__[f'_{name}'] = value
        return property(get, put if is_writable else None)

    def _fits(self, kind: str, value: Any) -> bool:
        plain = fits_plain(kind, value)
        if plain is not None:
            return plain
        known = self._kinds.get(kind.rpartition('::')[2])
        return known is None or isinstance(value, known)


class _Thing:
    """The base of all classes: refuses attributes that the class does not have."""

    _double: Double

    def __setattr__(self, name: str, value: Any) -> None:
        # As in pybind11: only a subclass, which is ours, has a dictionary.
        is_ours = '_double' not in vars(type(self))
        if not is_ours and not name.startswith('_') and not isinstance(
                getattr(type(self), name, None), property):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)

    def __bytes__(self) -> bytes:
        return bytes(self.__dict__['_data'])  # an IHostMemory is a buffer

    def __del__(self) -> None:
        self._double.released.append(type(self).__name__)


def _enumeration(name: str, members: dict[str, int]) -> Any:
    make: Any = IntEnum
    return make(name, members)


def _no_constructor(thing: Any, *arguments: Any) -> None:
    raise TypeError(f'{type(thing).__name__}: No constructor defined!')
