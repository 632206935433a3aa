# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The inventories of TensorRT's interfaces (written by `read_wheels`)."""

from __future__ import annotations

from functools import lru_cache
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / 'tensorrt_api'
NAMES = tuple(path.stem for path in sorted(FOLDER.glob('*.json')))

Inventory = dict[str, Any]


@lru_cache(maxsize=None)
def load(name: str) -> Inventory:
    """
    Return an inventory; not to be modified.

    :param name: module and version, as 'tensorrt-10.3.0'.
    """
    found: Inventory = json.loads((FOLDER / f'{name}.json').read_text(encoding='utf-8'))
    return found
