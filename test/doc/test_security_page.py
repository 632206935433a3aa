# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The page on security names tests, parameters and codes that exist."""

from __future__ import annotations

from pathlib import Path
import re

from support.prose import ROOT

from edge_trt_ros.error_codes import ERROR_CODES

PAGE = (ROOT / 'doc' / 'explanation' / 'security.md').read_text(encoding='utf-8')


def test_named_tests_exist() -> None:
    named = set(re.findall(r'`(test_\w+)`', PAGE))
    defined = {name for path in Path(ROOT, 'test').rglob('test_*.py')
               for name in re.findall(r'^def (test_\w+)', path.read_text(encoding='utf-8'),
                                      re.MULTILINE)}
    assert len(named) > 20 and named - defined == set()


def test_each_row_of_hostile_input_names_a_test() -> None:
    section = PAGE.split('## What hostile input can do')[1].split('## ')[0]
    rows = [line for line in section.splitlines() if line.startswith('| ')][1:]
    assert len(rows) > 15 and [row for row in rows if '`test_' not in row] == []


def test_named_codes_exist() -> None:
    named = set(re.findall(r'`(signature_\w+)`', PAGE))
    assert named and named <= set(ERROR_CODES)
