# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Parts of the reference pages that are generated from the code while Sphinx reads a page.

A page names a part in a line `<!-- generated: NAME -->`; `PARTS` has the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
import re
from types import MappingProxyType
from typing import Any

from reference import (build_options, commands, error_codes, heads, interfaces, launch_files,
                       manifest, parameters, tasks, tested_exports)

PARTS: Mapping[str, Callable[[], str]] = MappingProxyType({
    'build options': build_options.markdown,
    'commands': commands.markdown,
    'error codes': error_codes.markdown,
    'heads': heads.markdown,
    'launch files': launch_files.markdown,
    'manifest': manifest.markdown,
    'parameters': parameters.markdown,
    'tasks': tasks.markdown,
    'tested exports': tested_exports.markdown,
    'topics and services': interfaces.markdown,
})
_MARK = re.compile(r'^<!-- generated: (.+) -->$', re.MULTILINE)


def expanded(page: str) -> str:
    """
    Return a page with its generated parts.

    :param page: Markdown.
    :raises KeyError: if a mark names an unknown part.
    """
    return _MARK.sub(lambda mark: PARTS[mark[1]](), page)


def setup(app: Any) -> dict[str, Any]:
    """Expand every page that Sphinx reads."""
    def expand(app: Any, page_name: str, source: list[str]) -> None:
        source[0] = expanded(source[0])
    app.connect('source-read', expand)
    return {'version': '1', 'parallel_read_safe': True, 'parallel_write_safe': True}
