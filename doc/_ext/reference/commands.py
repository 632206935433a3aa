# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Command-line options of the executables, from their parsers."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from importlib import import_module
import sys
from unittest.mock import patch

from edge_trt_ros.__main__ import EXECUTABLES
from reference.tables import table


class _Parsed(Exception):
    """Ends a command where it would read its arguments."""


def parser_of(name: str) -> argparse.ArgumentParser | None:
    """
    Return the parser of an executable; None for a node, which reads only ROS arguments.

    :param name: name of the executable.
    """
    seen: list[argparse.ArgumentParser] = []

    def stop(parser: argparse.ArgumentParser, *_: object) -> None:
        seen.append(parser)
        raise _Parsed
    module = import_module(f'edge_trt_ros.cli.{name}')
    if 'argparse' not in vars(module):
        return None
    with patch.object(argparse.ArgumentParser, 'parse_args', stop), patch.object(
            sys, 'argv', [name]):
        try:
            module.main()
        except _Parsed:
            pass
    return seen[0]


def options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    """Yield the option or argument, its default and its help text."""
    for action in parser._actions:
        if isinstance(action, argparse._HelpAction):
            continue
        default = '' if action.default in (None, False, [], '', ()) or action.required else (
            ' '.join(map(str, action.default)) if isinstance(action.default, (list, tuple))
            else str(action.default))
        text = (action.help or '') % {**vars(action), 'prog': parser.prog}
        yield _usage(action), default, text


def _usage(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest.upper())
    if action.nargs == 0:
        return ', '.join(action.option_strings)
    value = '{' + ','.join(map(str, action.choices)) + '}' if action.choices else str(
        action.metavar or action.dest.upper())
    more = ' ...' if action.nargs in ('+', '*') else ''
    return f"{', '.join(action.option_strings)} {value}{more}"


def markdown() -> str:
    """Return a section for each executable."""
    sections = []
    for name in EXECUTABLES:
        purpose = (sys.modules.get(f'edge_trt_ros.cli.{name}')
                   or import_module(f'edge_trt_ros.cli.{name}')).__doc__ or ''
        parser = parser_of(name)
        body = 'A node: it reads ROS arguments only.\n' if parser is None else table(
            ('option', 'default', ''), (
                (f'`{usage}`', f'`{default}`' if default else '', text)
                for usage, default, text in options(parser)))
        sections.append(f'## {name}\n\n{purpose.strip()}\n\n{body}')
    return '\n'.join(sections)
