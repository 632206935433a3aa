# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The training of networks for the verification says at once that Ultralytics is missing."""

from __future__ import annotations

from pathlib import Path
import sys

import pytest

from edge_trt_ros.benchmark.gate import train


def test_without_ultralytics_nothing_is_rendered(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, 'ultralytics', None)
    monkeypatch.setattr(train, 'write_crops', lambda *_: pytest.fail('rendered first'))
    assert train.main(['--output', str(tmp_path / 'trained')]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert 'training needs Ultralytics (AGPL-3.0), which is not installed: pip install' in sentence
    assert not (tmp_path / 'trained').exists()
