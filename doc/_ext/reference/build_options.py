# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Build options: command-line option, parameter, default and description."""

from __future__ import annotations

from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.settings import settings_of
from reference.tables import table


def markdown() -> str:
    """Return the table of the options."""
    return table(('option', 'parameter', 'default', ''), (
        (f'`{option.flag}`', f'`<model>.{option.parameter}`', f'`{option.default_text}`',
         option.text)
        for option in settings_of(BuildOptions)))
