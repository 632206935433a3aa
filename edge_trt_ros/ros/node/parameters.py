"""
The ROS parameters of a node, declared from a settings dataclass (see `settings`).

A parameter that is not live is read when the node is configured; setting it while the node is
configured is refused with the way to do it. A bad value in a YAML file must not end the
process: it is remembered as a problem, told at configure, and mended by setting the parameter.
"""

from __future__ import annotations

from collections.abc import Callable
import difflib
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.exceptions import ParameterUninitializedException
from rclpy.node import Node
from rclpy.parameter import Parameter

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.settings import parsed, Setting, settings_of

T = TypeVar('T')


class DeclaredParameters(Generic[T]):
    """
    The parameters of a node, declared from a settings dataclass and read into it.

    :param node: the node that owns them.
    :param kind: the dataclass; its fields are made by `settings.setting`.
    :param prefix: put before each name, as 'demo.' for a named group.
    """

    def __init__(self, node: Node, kind: Callable[..., T], prefix: str = '') -> None:
        self._node = node
        self._kind = kind
        self._settings = {prefix + one.parameter: one for one in settings_of(kind)}
        self._problems: dict[str, str] = {}
        for name, one in self._settings.items():
            self._declare(name, one)

    @property
    def names(self) -> set[str]:
        """The full names of all parameters."""
        return set(self._settings)

    def typed(self) -> dict[str, Any]:
        """
        Return the values of now by the dataclass's fields, as the user typed them.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        if self._problems:
            raise ConfigurationError('; '.join(self._problems.values()))
        return {one.name: self._value(name) for name, one in self._settings.items()}

    def read(self) -> T:
        """
        Return the values of now.

        :raises ConfigurationError: naming every value that cannot be used.
        """
        values: T = parsed(self._kind, self.typed())
        return values

    def check_change(self, changes: list[Parameter], locked: bool) -> SetParametersResult:
        """
        Answer a request to set parameters.

        :param changes: the new values; names that are not ours are left to others.
        :param locked: whether the node is configured, so that only live ones may change.
        """
        ours = [change for change in changes if change.name in self._settings]
        for change in ours:
            one = self._settings[change.name]
            if locked and not one.live:
                return SetParametersResult(successful=False, reason=(
                    f'{change.name} is read at configure: clean the node up, set it, and '
                    'configure again'))
            try:
                one.check(change.value, change.name)
            except ConfigurationError as error:
                return SetParametersResult(successful=False, reason=str(error))
        for change in ours:
            self._problems.pop(change.name, None)
        return SetParametersResult(successful=True)

    def _declare(self, name: str, one: Setting) -> None:
        default = one.typed_default
        if isinstance(default, tuple):
            # rclpy takes an empty list for one of bytes; one empty text stands for none.
            default = list(default) or ['']
        try:
            self._node.declare_parameter(name, default, _descriptor(one))
            if not one.parse:
                one.check(self._value(name), name)
        except (InvalidParameterTypeException, InvalidParameterValueException,
                ParameterUninitializedException, ConfigurationError) as error:
            self._problems[name] = str(error)
            if not self._node.has_parameter(name):
                self._node.declare_parameter(name, default, _descriptor(one),
                                             ignore_override=True)

    def _value(self, name: str) -> Any:
        value = self._node.get_parameter(name).value
        if isinstance(self._settings[name].typed_default, tuple):
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


def _descriptor(one: Setting) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=one.description)
    if one.choices:
        descriptor.additional_constraints = one.allowed
    if one.limits and isinstance(one.default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(one.limits[0]), to_value=float(one.limits[1]), step=0.0)]
    elif one.limits:
        descriptor.integer_range = [IntegerRange(
            from_value=int(one.limits[0]), to_value=int(one.limits[1]), step=1)]
    return descriptor
