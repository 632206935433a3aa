# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""What a check found: one line of the report."""

from __future__ import annotations

from dataclasses import dataclass

# It works; something optional is not here; it works, but not as it could; the nodes cannot run.
OK, OPTIONAL, WARNING, MISSING = STATUSES = ('ok', 'optional', 'warning', 'missing')


@dataclass(frozen=True)
class Finding:
    """
    One finding.

    :param name: what was checked; programs may rely on it.
    :param status: a value of `STATUSES`.
    :param text: what is here, or what is missing for what; the wording may change.
    :param fix: the one command that fixes it on this machine; '' if there is none.
    """

    name: str
    status: str
    text: str
    fix: str = ''
