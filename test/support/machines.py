# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Machines that are not here, for the doctor: their files, and what can be imported on them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from edge_trt_ros.doctor.finding import Finding
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.imports import Imported
from edge_trt_ros.doctor.surroundings import IMPORT_GROUPS, Surroundings

_NOT_HERE = Imported(False, error='ModuleNotFoundError: blocked')


def machine(root: Path, imported: dict[str, Imported] | None = None,
            gpus: list[dict[str, str]] | None = None, **fields: Any) -> Surroundings:
    """Return a machine on which only the given modules can be imported."""
    outcomes = {name: _NOT_HERE for group in IMPORT_GROUPS for name in group}
    outcomes['gpu'] = Imported(True, facts={'gpus': gpus or []})
    host = Host(root, fields.pop('environ', {}), '/usr/bin/python3', **{
        'in_environment': False, 'checkout': root, **fields})
    return Surroundings(host, {**outcomes, **(imported or {})})


def write(root: Path, files: dict[str, str]) -> None:
    """Write files, given by their paths below the root."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def by_name(found: Iterable[Finding]) -> dict[str, Finding]:
    """Return findings by their names."""
    return {finding.name: finding for finding in found}
