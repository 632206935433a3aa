# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Kernels are compiled once by NVRTC or nvcc, and cached; no GPU is needed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
import shutil

import pytest

from edge_trt_ros.errors import EngineError
from edge_trt_ros.runtime.cuda import kernel_cache
from edge_trt_ros.runtime.cuda.kernel_cache import cache_folder, cubin

SOURCE = (Path(kernel_cache.__file__).with_name('preprocess.cu')).read_text(encoding='utf-8')
HAS_NVRTC = kernel_cache.has_nvrtc()
HAS_NVCC = importlib.util.find_spec('pycuda') is not None and shutil.which('nvcc') is not None
COMPILERS = [
    pytest.param('nvrtc', marks=pytest.mark.skipif(
        not HAS_NVRTC, reason='NVRTC is not installed')),
    pytest.param('nvcc', marks=pytest.mark.skipif(
        not HAS_NVCC, reason='nvcc or PyCUDA is not installed'))]


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(kernel_cache, 'has_nvrtc', lambda: request.param == 'nvrtc')
    return str(request.param)


@pytest.mark.parametrize('capability', [(7, 5), (8, 7), (8, 9), (9, 0)])
def test_kernel_compiles_for_common_gpus_and_is_cached(
        compiler: str, capability: tuple[int, int], tmp_path: Path) -> None:
    code = cubin(SOURCE, capability, tmp_path)
    assert code.startswith(b'\x7fELF') and b'letterbox' in code
    (cached,) = tmp_path.glob('*.cubin')
    before = cached.stat().st_mtime_ns
    assert cubin(SOURCE, capability, tmp_path) == code and cached.stat().st_mtime_ns == before
    assert cubin(SOURCE, (8, 6), tmp_path) != code and len(list(tmp_path.glob('*.cubin'))) == 2


def test_compiler_log_is_in_the_error(compiler: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match='(?s)nonsense'):
        cubin('extern "C" __global__ void f() { nonsense }', (8, 6), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(importlib.util.find_spec('pycuda') is not None, reason='PyCUDA is installed')
def test_missing_compiler_is_reported_with_the_remedy(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, 'has_nvrtc', lambda: False)
    with pytest.raises(EngineError, match='pip install cuda-bindings nvidia-cuda-nvrtc'):
        cubin(SOURCE, (8, 6), tmp_path)


def test_unwritable_cache_folder_is_ignored(compiler: str, tmp_path: Path) -> None:
    (tmp_path / 'file').write_text('')
    assert cubin(SOURCE, (8, 6), tmp_path / 'file').startswith(b'\x7fELF')


def test_cache_folder_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder() == tmp_path / 'edge_trt_ros'
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    assert cache_folder() == tmp_path / '.cache' / 'edge_trt_ros'
