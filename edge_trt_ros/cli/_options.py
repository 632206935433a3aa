"""Command-line options made from settings, so that `--help` and the ROS parameters agree."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import Any

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.settings import parsed, Setting, settings_of


def add_options(parser: argparse.ArgumentParser, names: Collection[str] = ()) -> None:
    """
    Add build options to a parser.

    :param parser: the parser.
    :param names: which fields of `BuildOptions`; none for all.
    """
    group = parser.add_argument_group('build options')
    for one in settings_of(BuildOptions):
        if not names or one.name in names:
            group.add_argument(one.flag, dest=one.name, help=one.description, **_kind_of(one))


def read_options(arguments: argparse.Namespace) -> BuildOptions:
    """
    Return the build options of a command line.

    :param arguments: what the parser returned; options that it did not have keep their default.
    :raises ConfigurationError: if a value is not allowed or a file cannot be read.
    """
    typed = {name: tuple(value) if isinstance(value, list) else value
             for name, value in vars(arguments).items()}
    options: BuildOptions = parsed(BuildOptions, typed)
    return options


def _kind_of(one: Setting) -> dict[str, Any]:
    default = one.typed_default
    if isinstance(default, bool):
        return {'action': 'store_true'}
    if isinstance(default, tuple):
        return {'action': 'append', 'default': [], 'metavar': one.metavar}
    if one.choices:
        return {'choices': [choice for choice in one.choices if choice], 'default': default}
    return {'type': type(default), 'default': default, 'metavar': one.metavar or None}
