# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Command-line options derived from settings, so that `--help` matches the ROS parameters."""

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
    :param names: fields of `BuildOptions` to add; empty for all.
    """
    group = parser.add_argument_group('build options')
    for option in settings_of(BuildOptions):
        if not names or option.name in names:
            group.add_argument(option.flag, dest=option.name, help=option.description,
                               **_kind_of(option))


def read_options(arguments: argparse.Namespace) -> BuildOptions:
    """
    Return the build options of a command line.

    :param arguments: result of the parser; options that it does not have keep their defaults.
    :raises ConfigurationError: if a value is invalid or a file cannot be read.
    """
    typed = {name: tuple(value) if isinstance(value, list) else value
             for name, value in vars(arguments).items()}
    options: BuildOptions = parsed(BuildOptions, typed)
    return options


def _kind_of(option: Setting) -> dict[str, Any]:
    default = option.typed_default
    if isinstance(default, bool):
        return {'action': 'store_true'}
    if isinstance(default, tuple):
        return {'action': 'append', 'default': [], 'metavar': option.metavar}
    if option.choices:
        return {'choices': [choice for choice in option.choices if choice], 'default': default}
    return {'type': type(default), 'default': default, 'metavar': option.metavar or None}
