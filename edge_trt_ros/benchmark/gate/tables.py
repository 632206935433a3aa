# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The two tables of the gate, as Markdown: faithful builds, and broken engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HEADING = ('| network | build | tensors | layers: gain, scatter | results |\n'
           '|---|---|---|---|---|')


def faithful_row(name: str, build: str, verification: Mapping[str, Any]) -> str:
    """Return the row of a faithful engine."""
    tensors = verification.get('tensors', {}).get('relative_l2')
    layers = verification['layers']
    shown = '' if tensors is None else f'{tensors:.2g}'
    return (f"| {name} | {build} | {shown} | {layers['gain']:.2g}, {layers['scatter']:.2g} | "
            f"{verification['agreement']} |")


def fault_table(refused: Mapping[tuple[str, str], Sequence[tuple[str, bool]]],
                builds: Sequence[str]) -> str:
    """
    Return in how many networks each fault is refused, and those where it passes.

    :param refused: by fault and build: the networks that can have it, and whether each is
        refused.
    :param builds: the columns.
    """
    lines = [f"\n| fault | {' | '.join(builds)} |", f"|---|{'---|' * len(builds)}"]
    for fault in dict.fromkeys(fault for fault, _ in refused):
        cells = []
        for build in builds:
            networks = refused.get((fault, build), [])
            missed = [name for name, is_refused in networks if not is_refused]
            cells.append(f'{len(networks) - len(missed)} of {len(networks)}' + (
                f" (not {', '.join(missed)})" if missed else '') if networks else '')
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return '\n'.join(lines)
