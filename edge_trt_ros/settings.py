# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Settings: default, range and description of a dataclass's fields, declared once.

ROS parameters, command-line options, YAML checks and the reference page are generated from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from edge_trt_ros.errors import ConfigurationError

_KEY = 'setting'


@dataclass(frozen=True)
class Setting:
    """
    One field of a settings dataclass.

    :param name: name of the field.
    :param default: default value; a tuple means a list of strings.
    :param description: one sentence, shown by `ros2 param describe` and `--help`.
    :param live: whether it may change while a node is configured.
    :param limits: minimum and maximum of a number.
    :param choices: allowed values of a string; '' among them allows an empty string.
    :param parameter: name of the ROS parameter.
    :param flag: name of the command-line option.
    :param metavar: placeholder for the value in `--help`.
    :param parse: converts the text that a user types to the value; None if no conversion is
        needed.
    :param is_path: whether the text is the path of a file or folder.
    :param is_fixed: whether it is read only when the node starts, so that no call changes it.
    """

    name: str
    default: Any
    description: str
    live: bool = False
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    parameter: str = ''
    flag: str = ''
    metavar: str = ''
    parse: Callable[[str], Any] | None = None
    is_path: bool = False
    is_fixed: bool = False

    @property
    def typed_default(self) -> Any:
        """The default as a user types it; '' for a setting with `parse`."""
        return '' if self.parse else self.default

    @property
    def allowed(self) -> str:
        """The allowed values, as the end of a sentence; '' if all values are allowed."""
        if self.choices:
            listed = ', '.join(choice for choice in self.choices if choice)
            return f"one of {listed}{', or empty' if '' in self.choices else ''}"
        return f'{self.limits[0]} to {self.limits[1]}' if self.limits else ''

    @property
    def default_text(self) -> str:
        """The default as the reference page shows it."""
        default = self.typed_default
        return ('[]' if default == () else str(default).lower() if isinstance(default, bool)
                else "''" if default == '' else str(default))

    @property
    def text(self) -> str:
        """The description and the allowed values, as sentences."""
        allowed = f' {self.allowed[0].upper()}{self.allowed[1:]}.' if self.allowed else ''
        fixed = ' Read when the node starts.' if self.is_fixed else ''
        return f'{self.description}{allowed}{fixed}'

    def row(self, prefix: str = '') -> str:
        """
        Return the setting's row in the reference page: name, default, live, description.

        :param prefix: prefix of the parameter's name, as '<model>.'.
        """
        live = 'yes' if self.live else ''
        return f'| `{prefix}{self.parameter}` | `{self.default_text}` | {live} | {self.text} |'

    def check(self, value: Any, name: str = '') -> None:
        """
        Reject a value outside the limits or choices.

        :param value: the value.
        :param name: name of the setting in the message; '' uses its own name.
        :raises ConfigurationError: names the setting, the value and the allowed values.
        """
        if self.limits and not self.limits[0] <= value <= self.limits[1]:
            raise ConfigurationError(f'{name or self.name} is {value}, expected {self.allowed}')
        if self.choices and value not in self.choices:
            raise ConfigurationError(f"{name or self.name} is '{value}', expected {self.allowed}")


def setting(default: Any, description: str, *, live: bool = False,
            limits: tuple[float, float] | None = None, choices: Iterable[str] = (),
            parameter: str = '', flag: str = '', metavar: str = '',
            parse: Callable[[str], Any] | None = None, is_path: bool = False,
            is_fixed: bool = False) -> Any:
    """Declare a field of a settings dataclass; see `Setting` for the arguments."""
    return field(default=default, metadata={_KEY: Setting(
        '', default, description, live, limits, tuple(choices), parameter, flag, metavar, parse,
        is_path, is_fixed)})


def settings_of(kind: Any) -> tuple[Setting, ...]:
    """
    Return the settings of a dataclass in the order of its fields.

    :param kind: the class, or an instance of it.
    """
    return tuple(_named(declared.name, declared.metadata[_KEY]) for declared in fields(kind)
                 if _KEY in declared.metadata)


def _named(name: str, declared: Setting) -> Setting:
    return replace(declared, name=name, parameter=declared.parameter or name,
                   flag=declared.flag or '--' + name.replace('_', '-'))


def check_settings(instance: Any) -> None:
    """
    Check every setting of an instance; call it in `__post_init__`.

    :raises ConfigurationError: for the first value that is not allowed.
    """
    for declared in settings_of(instance):
        declared.check(getattr(instance, declared.name))


def parsed(kind: Callable[..., Any], typed: Mapping[str, Any]) -> Any:
    """
    Create an instance of a settings dataclass from the values that a user typed.

    :param kind: the class.
    :param typed: values by field name; texts for settings with `parse`.
    :raises ConfigurationError: if a text cannot be parsed or a value is not allowed.
    """
    return kind(**{
        declared.name: declared.parse(typed[declared.name]) if declared.parse
        else typed[declared.name] for declared in settings_of(kind) if declared.name in typed})
