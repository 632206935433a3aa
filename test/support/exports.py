# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Helpers of the export tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge_trt_ros.export.options import ExportOptions, inputs_from_text

CLASSIFIER = 'support.networks:Classifier'


def options(*shapes: str, names: Sequence[str] = (), **fields: Any) -> ExportOptions:
    """Return export options for inputs of the given shapes; an image if there are none."""
    return ExportOptions(inputs_from_text(shapes or ('1x3x32x64',), names), **fields)
