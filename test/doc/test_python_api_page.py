# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page of the Python interface describes every public name."""

from __future__ import annotations

from pathlib import Path
import re

import edge_trt_ros

PAGE = Path(__file__).resolve().parents[2] / 'doc' / 'reference' / 'python_api.md'
# A union of the classes of results.
UNIONS = {'Result'}


def test_page_has_every_public_name() -> None:
    described = set(re.findall(r'^\.\. auto\w+:: (\w+)', PAGE.read_text(encoding='utf-8'),
                               re.MULTILINE))
    assert described == set(edge_trt_ros.__all__) - UNIONS
