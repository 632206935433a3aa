# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Fields of the manifest, from the dataclass and its docstring."""

from __future__ import annotations

from dataclasses import fields
import inspect
import re

from edge_trt_ros.manifest import EngineManifest
from reference.tables import table


def described_fields() -> dict[str, str]:
    """Return the description of each field that the docstring names."""
    text = inspect.getdoc(EngineManifest) or ''
    found = re.findall(r'^:param (\w+): (.*?)(?=^:param|\Z)', text, re.DOTALL | re.MULTILINE)
    return {name: ' '.join(description.split()) for name, description in found}


def markdown() -> str:
    """Return the table of the fields, in the order of the file."""
    described = described_fields()
    return table(('field', ''), (
        (f'`{declared.name}`', described[declared.name]) for declared in fields(EngineManifest)))
