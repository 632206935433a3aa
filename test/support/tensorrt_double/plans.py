# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The plans that the double builds: facts as JSON, then the ONNX graph that it runs."""

from __future__ import annotations

import json
from typing import Any

MAGIC = b'plan of the double'


def plan(facts: dict[str, Any], graph: bytes) -> bytes:
    """Return a plan."""
    text = json.dumps(facts).encode()
    return MAGIC + len(text).to_bytes(4, 'little') + text + graph


def read_plan(data: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return facts and graph of a plan; None if it is none, or damaged."""
    start = len(MAGIC) + 4
    if data[:len(MAGIC)] != MAGIC:
        return None
    end = start + int.from_bytes(data[len(MAGIC):start], 'little')
    try:
        facts = json.loads(data[start:end])
    except ValueError:
        return None
    return (facts, data[end:]) if len(data) == end + facts['graph_bytes'] else None


def edited(data: bytes, **changes: Any) -> bytes:
    """Return a plan with other facts, as another library would have written it."""
    found = read_plan(data)
    if found is None:
        raise ValueError('not a plan of the double')
    return plan({**found[0], **changes}, found[1])
