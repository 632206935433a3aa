# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Exports that were compared with their exporters' own predictors, from the test's figures."""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

import edge_trt_ros
from edge_trt_ros.heads import HEADS
from reference.tables import table

_UNITS = {'box_px': 'box {} px', 'score': 'score {}', 'keypoint_px': 'keypoint {} px',
          'angle_deg': 'angle {}°', 'mask_iou': 'mask {} of its pixels'}


def figures() -> dict[str, Any]:
    """Return what the last `make test-exports` wrote, by the name of the case."""
    path = Path(edge_trt_ros.__file__).resolve().parents[1] / 'doc' / 'data'
    found: dict[str, Any] = json.loads((path / 'tested_exports.json').read_text(encoding='utf-8'))
    return found


def _difference(differences: Mapping[str, float]) -> str:
    parts = [text.format(f'{differences[key]:.2g}') for key, text in _UNITS.items()
             if key in differences]
    if differences.get('unmatched'):
        parts.append(f"{differences['unmatched']:.0f} objects without a pair")
    return f"{', '.join(parts)} ({differences['objects']:.0f} compared)"


def markdown() -> str:
    """Return the table, in the order of the heads."""
    order = list(HEADS)
    rows = sorted(figures().values(), key=lambda row: order.index(row['head']))
    return table(('exporter', 'network', 'options', 'head', 'tested', 'largest difference'), (
        (f"{row['exporter']} {row['version']}", row['network'],
         ', '.join(f'`{key}={value}`' for key, value in row['options'].items()),
         f"`{row['head']}`", row['date'], _difference(row['differences'])) for row in rows))
