"""
Settings that are declared once: the default, range and description of a dataclass's fields.

ROS parameters, command-line options, YAML checks and the reference page are derived from them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from edge_trt_ros.errors import ConfigurationError

_KEY = 'setting'


@dataclass(frozen=True)
class Setting:
    """
    One field of a settings dataclass.

    :param name: name of the field.
    :param default: its value unless it is set; a tuple stands for a list of strings.
    :param description: one sentence, shown by `ros2 param describe` and `--help`.
    :param live: whether it may change while a node is configured.
    :param limits: smallest and largest value of a number.
    :param choices: the values that a string may have; '' among them means that it may be empty.
    :param parameter: its name as a ROS parameter.
    :param flag: its name on a command line.
    :param metavar: what `--help` shows for its value.
    :param parse: makes the value from the text that a user types; None if no text stands for it.
    :param is_path: whether the text is the path of a file or folder.
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

    @property
    def typed_default(self) -> Any:
        """The default as a user would type it: '' for what is parsed from a text."""
        return '' if self.parse else self.default

    @property
    def allowed(self) -> str:
        """What values are allowed, as the end of a sentence; '' if any of the type is."""
        if self.choices:
            listed = ', '.join(choice for choice in self.choices if choice)
            return f"one of {listed}{', or empty' if '' in self.choices else ''}"
        return f'{self.limits[0]} to {self.limits[1]}' if self.limits else ''

    def row(self, prefix: str = '') -> str:
        """
        Return the setting's row in a reference page: name, default, live or not, description.

        :param prefix: of the parameter's name, as '<model>.'.
        """
        default = self.typed_default
        shown = ('[]' if default == () else str(default).lower() if isinstance(default, bool)
                 else "''" if default == '' else str(default))
        allowed = f' {self.allowed[0].upper()}{self.allowed[1:]}.' if self.allowed else ''
        return (f"| `{prefix}{self.parameter}` | `{shown}` | {'yes' if self.live else ''} | "
                f'{self.description}{allowed} |')

    def check(self, value: Any, name: str = '') -> None:
        """
        Reject a value outside the limits or choices.

        :param value: the value.
        :param name: what to call the setting in the message; '' for its own name.
        :raises ConfigurationError: naming the setting, the value and what is allowed.
        """
        if self.limits and not self.limits[0] <= value <= self.limits[1]:
            raise ConfigurationError(f'{name or self.name} is {value}, expected {self.allowed}')
        if self.choices and value not in self.choices:
            raise ConfigurationError(f"{name or self.name} is '{value}', expected {self.allowed}")


def setting(default: Any, description: str, *, live: bool = False,
            limits: tuple[float, float] | None = None, choices: Iterable[str] = (),
            parameter: str = '', flag: str = '', metavar: str = '',
            parse: Callable[[str], Any] | None = None, is_path: bool = False) -> Any:
    """Declare a field of a settings dataclass; see `Setting` for the arguments."""
    return field(default=default, metadata={_KEY: {
        'default': default, 'description': description, 'live': live, 'limits': limits,
        'choices': tuple(choices), 'parameter': parameter, 'flag': flag, 'metavar': metavar,
        'parse': parse, 'is_path': is_path}})


def settings_of(kind: Any) -> tuple[Setting, ...]:
    """
    Return the settings that a dataclass declares, in their order.

    :param kind: the class, or an instance of it.
    """
    return tuple(_named(one.name, one.metadata[_KEY]) for one in fields(kind)
                 if _KEY in one.metadata)


def _named(name: str, stated: Mapping[str, Any]) -> Setting:
    defaults = {'parameter': name, 'flag': '--' + name.replace('_', '-')}
    return Setting(name, **{key: value or defaults.get(key, value)
                            for key, value in stated.items()})


def check_settings(instance: Any) -> None:
    """
    Check every setting of an instance; for its `__post_init__`.

    :raises ConfigurationError: for the first value that is not allowed.
    """
    for one in settings_of(instance):
        one.check(getattr(instance, one.name))


def parsed(kind: Callable[..., Any], typed: Mapping[str, Any]) -> Any:
    """
    Return an instance of a settings dataclass from what a user typed.

    :param kind: the class.
    :param typed: values by the fields' names; texts where a setting has `parse`.
    :raises ConfigurationError: if a text cannot be parsed or a value is not allowed.
    """
    return kind(**{one.name: one.parse(typed[one.name]) if one.parse else typed[one.name]
                   for one in settings_of(kind) if one.name in typed})
