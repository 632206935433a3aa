# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A TensorRT that is missing, or whose bindings cannot be loaded, is one sentence with a code."""

from __future__ import annotations

from pathlib import Path
import sys

import pytest
from support.machines import write

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.tensorrt.library import (installed_tensorrt, load_tensorrt,
                                                   TENSORRT_NAMES)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that Python searches first, without any TensorRT loaded."""
    for name in TENSORRT_NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize('content', [
    "raise ImportError('libnvinfer.so.10: cannot open shared object file')",
    "raise OSError('libcudart.so.13: cannot open shared object file')", ''])
def test_bindings_without_their_library(content: str, folder: Path) -> None:
    write(folder, {'tensorrt/__init__.py': content})
    assert installed_tensorrt() == 'tensorrt'
    with pytest.raises(EngineError, match='tensorrt is installed, but cannot be loaded .*: its '
                       'libraries and Python bindings must have the same version') as refused:
        load_tensorrt('tensorrt')
    assert refused.value.code == 'library_broken' and '\n' not in str(refused.value)
    sys.modules.pop('tensorrt', None)


@pytest.mark.parametrize('name, remedy', [
    ('tensorrt', 'it comes with JetPack'), ('tensorrt_rtx', 'pip install tensorrt-rtx')])
def test_missing_library(name: str, remedy: str, folder: Path,
                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'path', [str(folder)])
    monkeypatch.setattr(sys, 'meta_path', [finder for finder in sys.meta_path
                                           if 'PathFinder' in str(finder)])
    assert installed_tensorrt() == ''
    with pytest.raises(EngineError, match=f'{name} is not installed .*{remedy}') as refused:
        load_tensorrt(name)
    assert refused.value.code == 'tensorrt_missing'


def test_folder_of_that_name_is_no_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, 'path', [str(folder)])
    (folder / 'tensorrt').mkdir()
    assert installed_tensorrt() == ''
