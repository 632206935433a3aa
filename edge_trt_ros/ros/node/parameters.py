"""
Parameters of a node as one frozen dataclass: field, default, description, range, live or not.

A parameter that is not live is read when the node is configured; setting it while the node is
configured is refused with the way to do it. A bad value in a YAML file must not end the
process: it is remembered as a problem, told at configure, and mended by setting the parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import field, fields
import difflib
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge_trt_ros.errors import ConfigurationError

T = TypeVar('T')


def parameter(default: Any, description: str, *, live: bool = False,
              limits: tuple[float, float] | None = None, choices: Iterable[str] = ()) -> Any:
    """
    Declare a field of a parameter dataclass.

    :param default: its value unless somebody sets it; a tuple stands for a list of strings.
    :param description: what `ros2 param describe` shows.
    :param live: whether it may change while the node is configured.
    :param limits: smallest and largest value of a number.
    :param choices: the values that a string may take.
    """
    return field(default=default, metadata={
        'description': description, 'live': live, 'limits': limits, 'choices': tuple(choices)})


def check_value(name: str, value: Any, of: Any) -> None:
    """
    Refuse a value outside the limits or choices of a field.

    :param name: the parameter's name, for the message.
    :param value: the value.
    :param of: the dataclass field, made by `parameter`.
    :raises ConfigurationError: naming parameter, value and what is allowed.
    """
    limits, choices = of.metadata['limits'], of.metadata['choices']
    if limits and not limits[0] <= value <= limits[1]:
        raise ConfigurationError(
            f'{name} is {value}, expected {limits[0]} to {limits[1]}')
    if choices and value not in choices:
        raise ConfigurationError(f"{name} is '{value}', expected one of {', '.join(choices)}")


def check_fields(instance: Any) -> None:
    """Check every field of a parameter dataclass; for its `__post_init__`."""
    for one in fields(instance):
        check_value(one.name, getattr(instance, one.name), one)


class DeclaredParameters(Generic[T]):
    """
    The parameters of a node, declared from a dataclass and read into it.

    :param node: the node that owns them.
    :param kind: the dataclass.
    :param prefix: put before each name, as 'demo.' for a named group.
    """

    def __init__(self, node: Node, kind: Callable[..., T], prefix: str = '') -> None:
        self._node = node
        self._kind = kind
        self._fields = {prefix + one.name: one for one in fields(kind)}  # type: ignore[arg-type]
        self._problems: dict[str, str] = {}
        for name, one in self._fields.items():
            self._declare(name, one)

    @property
    def names(self) -> set[str]:
        """The full names of all parameters."""
        return set(self._fields)

    def read(self) -> T:
        """
        Return the values of now.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        if self._problems:
            raise ConfigurationError('; '.join(self._problems.values()))
        return self._kind(**{one.name: self._value(name) for name, one in self._fields.items()})

    def check_change(self, changes: list[Parameter], locked: bool) -> SetParametersResult:
        """
        Answer a request to set parameters.

        :param changes: the new values; names that are not ours are left to others.
        :param locked: whether the node is configured, so that only live ones may change.
        """
        ours = [change for change in changes if change.name in self._fields]
        for change in ours:
            one = self._fields[change.name]
            if locked and not one.metadata['live']:
                return SetParametersResult(successful=False, reason=(
                    f'{change.name} is read at configure: clean the node up, set it, and '
                    'configure again'))
            try:
                check_value(change.name, change.value, one)
            except ConfigurationError as error:
                return SetParametersResult(successful=False, reason=str(error))
        for change in ours:
            self._problems.pop(change.name, None)
        return SetParametersResult(successful=True)

    def _declare(self, name: str, one: Any) -> None:
        # rclpy takes an empty list for one of bytes; a list of one empty text stands for none.
        default = list(one.default) or [''] if isinstance(one.default, tuple) else one.default
        try:
            self._node.declare_parameter(name, default, _descriptor(one))
            check_value(name, self._value(name), one)
        except (InvalidParameterTypeException, InvalidParameterValueException,
                ParameterUninitializedException, ConfigurationError) as error:
            self._problems[name] = str(error)
            if not self._node.has_parameter(name):
                self._node.declare_parameter(name, default, _descriptor(one),
                                             ignore_override=True)

    def _value(self, name: str) -> Any:
        value = self._node.get_parameter(name).value
        if isinstance(self._fields[name].default, tuple):
            return tuple(text for text in value if text)
        return value


def unknown_parameters(node: Node, known: set[str]) -> list[str]:
    """
    Name the parameters that a launch or YAML file sets and nobody declares.

    :param node: the node.
    :param known: the names that are declared.
    :returns: one clause each, with the nearest known name.
    """
    # rclpy keeps what was passed to the process and drops what nobody declares, silently.
    given = getattr(node, '_parameter_overrides', {})
    clauses = []
    for name in sorted(given):
        if name in known or node.has_parameter(name) or name.startswith('qos_overrides.'):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        clauses.append(f"unknown parameter '{name}'" + (
            f" (is '{near[0]}' meant?)" if near else ''))
    return clauses


def _descriptor(one: Any) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=one.metadata['description'])
    if one.metadata['choices']:
        descriptor.additional_constraints = f"one of {', '.join(one.metadata['choices'])}"
    limits = one.metadata['limits']
    if limits and isinstance(one.default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(limits[0]), to_value=float(limits[1]), step=0.0)]
    elif limits:
        descriptor.integer_range = [IntegerRange(
            from_value=int(limits[0]), to_value=int(limits[1]), step=1)]
    return descriptor
