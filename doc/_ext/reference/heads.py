# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Heads: the output formats of networks, from the registry."""

from __future__ import annotations

from edge_trt_ros.heads import HEADS
from reference.tables import table


def markdown() -> str:
    """Return the table of the heads."""
    return table(('networks', 'outputs', 'needs besides the ONNX', 'head'), (
        (head.networks, head.outputs, head.needs, f'`{name}`') for name, head in HEADS.items()))
