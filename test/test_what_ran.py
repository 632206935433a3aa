# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""One table says what ran where: in the README, on the page, and in `inspect_engine`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
import re

import pytest
from support.tensorrt_api.inventory import NAMES

from edge_trt_ros.runtime.select import BACKENDS
from edge_trt_ros.what_ran import (CHECKED, COMBINATIONS, DOCUMENTED, Evidence, full_table, RAN,
                                   short_table, tried, WORDS)

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize('name, table', [
    ('README.md', short_table()), ('doc/explanation/what_runs_where.md', full_table())])
def test_pages_contain_the_table(name: str, table: list[str]) -> None:
    text = (ROOT / name).read_text(encoding='utf-8')
    assert '\n'.join(table) in text, f'{name} needs this table:\n' + '\n'.join(table)


def test_each_cell_has_a_word_and_a_date() -> None:
    for row in COMBINATIONS:
        found: list[Evidence] = [row.code, *(evidence for _, evidence in row.precisions)]
        found += [row.graphs] if row.graphs else []
        found += [row.dla[1]] if row.dla else []
        for evidence in found:
            assert evidence.word in WORDS and date.fromisoformat(evidence.date)
        assert row.library in BACKENDS and row.versions[0] <= row.versions[1]
        assert all(re.fullmatch(r'\d+\.\d', capability) for capability in row.capabilities)
        # What has not run is checked, and nothing of it ran.
        assert row.code.word == RAN or RAN not in {evidence.word for evidence in found}


def test_checked_versions_have_an_inventory() -> None:
    for row in COMBINATIONS:
        if row.code.word == CHECKED:
            assert any(row.versions[0] <= tuple(map(int, name.partition('-')[2].split('.')[:2]))
                       <= row.versions[1] for name in NAMES if name.startswith(
                           f'{row.library}-')), row.title


@pytest.mark.parametrize('library, version, capability, words', [
    ('tensorrt_rtx', '1.6.1.120', '9.0', 'ran, 2026-11-24: TensorRT for RTX 1.6 on Hopper'),
    ('tensorrt_rtx', '1.7.1.116', '', 'ran, 2026-11-24: TensorRT for RTX 1.7 on a computer w'),
    ('tensorrt_rtx', '1.7.1.116', '9.0', 'not known: TensorRT for RTX 1.7.1.116 on compute ca'),
    ('tensorrt', '10.3.0', '8.7', f'{CHECKED}, 2026-11-24: TensorRT 10.3 (JetPack 6.1, 6.2)'),
    ('tensorrt', '11.4.1', '8.7', f'{CHECKED}, 2026-11-24: TensorRT 11.4.1 (JetPack 7.2.2)'),
    ('tensorrt', '11.2.0', '8.7', 'not known: TensorRT 11.2.0'),
    ('tensorrt', 'nonsense', '8.7', 'not known: TensorRT nonsense'),
    ('onnxruntime', '1.32.0', '', 'ran, 2026-11-24: ONNX Runtime')])
def test_what_inspect_engine_says(library: str, version: str, capability: str, words: str
                                  ) -> None:
    assert tried(library, version, capability).startswith(words)
    assert DOCUMENTED not in tried(library, version, capability)
