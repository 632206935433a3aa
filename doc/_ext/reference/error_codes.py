# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Error codes with cause and remedy, one section each, from the registry."""

from __future__ import annotations

from edge_trt_ros.error_codes import ERROR_CODES


def markdown() -> str:
    """Return a section for each code; its anchor is the code."""
    return '\n'.join(
        f'({code})=\n## {code}\n\n{explained.cause}\n\n**Remedy:** {explained.remedy}\n'
        for code, explained in sorted(ERROR_CODES.items()))
