# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Topics and services of the nodes, from their registry."""

from __future__ import annotations

from edge_trt_ros.ros.interfaces import NODES
from reference.tables import table


def markdown() -> str:
    """Return a section for each node."""
    return '\n'.join(
        f'## {node}\n\n' + table(('', 'name', 'type', ''), (
            (declared.kind, f'`{declared.name}`', declared.type, declared.description)
            for declared in interfaces))
        for node, interfaces in NODES.items())
