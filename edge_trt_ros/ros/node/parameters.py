# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The ROS parameters of a node, declared from a settings dataclass (see `settings`).

A parameter that is not live is read when the node is configured; a change while the node is
configured is rejected with the remedy. An invalid value in a YAML file must not end the process:
it is stored, reported at configure, and cleared when the parameter is set.
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
STRINGS = Parameter.Type.STRING_ARRAY


class DeclaredParameters(Generic[T]):
    """
    The parameters of a node, declared from a settings dataclass and read into it.

    :param node: the node that declares the parameters.
    :param kind: the dataclass; its fields are declared by `settings.setting`.
    :param prefix: prefix of each parameter name, such as 'demo.' for a group.
    """

    def __init__(self, node: Node, kind: Callable[..., T], prefix: str = '') -> None:
        self._node = node
        self._kind = kind
        self._settings = {prefix + declared.parameter: declared
                          for declared in settings_of(kind)}
        self._problems: dict[str, str] = {}
        for name, declared in self._settings.items():
            self._declare(name, declared)

    @property
    def names(self) -> set[str]:
        """The full names of all parameters."""
        return set(self._settings)

    def typed(self) -> dict[str, Any]:
        """
        Return the current values by field of the dataclass, as the user typed them.

        :raises ConfigurationError: naming every invalid value.
        """
        if self._problems:
            raise ConfigurationError('; '.join(self._problems.values()))
        return {declared.name: self._value(name) for name, declared in self._settings.items()}

    def read(self) -> T:
        """
        Return the current values.

        :raises ConfigurationError: naming every invalid value.
        """
        values: T = parsed(self._kind, self.typed())
        return values

    def changed(self, changes: list[Parameter]) -> T:
        """
        Return the values as they will be after a change.

        :param changes: the new values; parameters of other groups are ignored.
        :raises ConfigurationError: naming an invalid value.
        """
        typed = self.typed()
        for change in changes:
            if change.name in self._settings:
                declared = self._settings[change.name]
                typed[declared.name] = self._plain(declared, change.value)
        values: T = parsed(self._kind, typed)
        return values

    def check_change(self, changes: list[Parameter], locked: str = '') -> SetParametersResult:
        """
        Accept or reject new parameter values.

        :param changes: the new values; parameters of other groups are ignored.
        :param locked: when parameters that are not live are read, and the remedy; '' allows
            changes of all parameters.
        """
        own_changes = [change for change in changes if change.name in self._settings]
        for change in own_changes:
            declared = self._settings[change.name]
            if declared.is_fixed:
                return SetParametersResult(
                    successful=False, reason=f'{change.name} is read when the node starts')
            if locked and not declared.live:
                return SetParametersResult(
                    successful=False, reason=f'{change.name} is read {locked}')
            try:
                declared.check(change.value, change.name)
            except ConfigurationError as error:
                return SetParametersResult(successful=False, reason=str(error))
        for change in own_changes:
            self._problems.pop(change.name, None)
        return SetParametersResult(successful=True)

    def _declare(self, name: str, declared: Setting) -> None:
        try:
            self._declare_valid(name, declared)
            if not declared.parse:
                declared.check(self._value(name), name)
        except (InvalidParameterTypeException, InvalidParameterValueException,
                ParameterUninitializedException, ConfigurationError) as error:
            self._problems[name] = str(error)
            if not self._node.has_parameter(name):
                self._declare_valid(name, declared, ignore_override=True)

    def _declare_valid(self, name: str, declared: Setting, ignore_override: bool = False) -> None:
        default, descriptor = declared.typed_default, _descriptor(declared)
        if not isinstance(default, tuple):
            self._node.declare_parameter(name, default, descriptor, ignore_override)
            return
        given = _overrides(self._node).get(name)
        is_given = given is not None and not ignore_override and not _is_empty(given.value)
        self._node.declare_parameter(
            name, STRINGS, descriptor, ignore_override=not is_given)
        if not is_given:
            self._node.set_parameters([Parameter(name, STRINGS, list(default))])

    def _value(self, name: str) -> Any:
        return self._plain(self._settings[name], self._node.get_parameter(name).value)

    def _plain(self, declared: Setting, value: Any) -> Any:
        return tuple(text for text in value if text) \
            if isinstance(declared.typed_default, tuple) else value


def accept_empty_lists(node: Node) -> None:
    """
    Let `[]` set a list of strings to the empty list; call it once for each node.

    An empty list has no type: rcl reads it as a value that is not set, `ros2 param set` as a list
    of booleans, and rclpy as a list of bytes, so rclpy rejects it.
    """
    def typed(change: Parameter) -> Parameter:
        is_list = (node.has_parameter(change.name)
                   and node.describe_parameter(change.name).type == STRINGS.value)
        return Parameter(change.name, STRINGS, []) if is_list and _is_empty(change.value) \
            else change
    node.add_pre_set_parameters_callback(lambda changes: list(map(typed, changes)))


def _is_empty(value: Any) -> bool:
    return value is None or not isinstance(value, (str, bool, int, float)) and len(value) == 0


def _overrides(node: Node) -> dict[str, Parameter]:
    given: dict[str, Parameter] = getattr(node, '_parameter_overrides', {})
    return given


def unknown_parameters(node: Node, known: set[str]) -> list[str]:
    """
    Return the parameters that a launch or YAML file sets but the node does not declare.

    :param node: the node.
    :param known: the names of the declared parameters.
    :returns: a clause for each unknown parameter, with the most similar known name.
    """
    # rclpy silently ignores overrides of parameters that are not declared.
    clauses = []
    for name in sorted(_overrides(node)):
        if name in known or node.has_parameter(name) or name.startswith('qos_overrides.'):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        clauses.append(f"unknown parameter '{name}'" + (
            f" (is '{near[0]}' meant?)" if near else ''))
    return clauses


def _descriptor(declared: Setting) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=declared.description)
    limits = declared.limits
    if declared.choices:
        descriptor.additional_constraints = declared.allowed
    if limits and isinstance(declared.default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(limits[0]), to_value=float(limits[1]), step=0.0)]
    elif limits:
        descriptor.integer_range = [IntegerRange(
            from_value=int(limits[0]), to_value=int(limits[1]), step=1)]
    return descriptor
