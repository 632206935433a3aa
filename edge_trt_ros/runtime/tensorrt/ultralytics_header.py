# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The header that Ultralytics' exporter writes before a plan: a length, then JSON."""

from __future__ import annotations

import json
from typing import Any

_LENGTH_BYTES = 4
_MAX_HEADER_BYTES = 1 << 20


def header_of(engine: bytes) -> dict[str, Any]:
    """
    Return the header's values (names, stride, task, imgsz); empty if there is no header.

    :param engine: bytes of the engine file.
    """
    return _split(engine)[0]


def plan_of(engine: bytes) -> bytes:
    """Return the plan without the header, if any."""
    return _split(engine)[1]


def _split(engine: bytes) -> tuple[dict[str, Any], bytes]:
    end = _LENGTH_BYTES + int.from_bytes(engine[:_LENGTH_BYTES], 'little')
    if end <= min(len(engine), _MAX_HEADER_BYTES):
        try:
            header = json.loads(engine[_LENGTH_BYTES:end].decode('utf-8'))
        except (ValueError, RecursionError):
            header = None
        if isinstance(header, dict):
            return header, engine[end:]
    return {}, engine
