# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Compiles CUDA kernels once per machine and caches the machine code on disk."""

from __future__ import annotations

import hashlib
import importlib.util
import os
from pathlib import Path

from edge_trt_ros.errors import EngineError
from edge_trt_ros.files import write_file

_NO_COMPILER = ('the preprocess kernel must be compiled once on this machine, but neither NVRTC '
                'nor nvcc can compile it')
_INSTALL = 'pip install cuda-bindings nvidia-cuda-nvrtc, or put nvcc on the PATH'


def cache_folder() -> Path:
    """Return the folder of compiled code: `edge_trt_ros` in the user's cache folder."""
    root = os.environ.get('XDG_CACHE_HOME') or str(Path.home() / '.cache')
    return Path(root) / 'edge_trt_ros'


def cubin(source: str, compute_capability: tuple[int, int], folder: Path) -> bytes:
    """
    Return a kernel's machine code from the cache, or compile it.

    NVRTC compiles if it is installed (`pip install nvidia-cuda-nvrtc cuda-bindings`), else nvcc.
    If the folder is not writable, the kernel is compiled again at the next start.

    :param source: CUDA C++ without includes.
    :param compute_capability: compute capability of the GPU, as (9, 0).
    :param folder: cache folder.
    :raises EngineError: if there is no compiler, or the compilation fails, with its log.
    """
    architecture = 'sm_{}{}'.format(*compute_capability)
    compiler, name = (_with_nvrtc, 'nvrtc') if has_nvrtc() else (_with_nvcc, 'nvcc')
    key = hashlib.sha256(f'{name} {architecture}\n{source}'.encode()).hexdigest()
    path = folder / f'{key[:32]}.cubin'
    try:
        return path.read_bytes()
    except OSError:
        pass
    code = compiler(source, architecture)
    try:
        write_file(path, code)
    except OSError:
        pass
    return code


def has_nvrtc() -> bool:
    """Return whether NVRTC is installed, with its bindings, and can be loaded."""
    try:
        if importlib.util.find_spec('cuda.bindings.nvrtc') is None:
            return False
        from cuda.bindings import nvrtc
        nvrtc.nvrtcVersion()
    except (ImportError, RuntimeError):  # the bindings are installed, but not the library
        return False
    return True


def _with_nvrtc(source: str, architecture: str) -> bytes:
    from cuda.bindings import nvrtc
    error, program = nvrtc.nvrtcCreateProgram(source.encode(), b'edge_trt_ros.cu', 0, [], [])
    if error != nvrtc.nvrtcResult.NVRTC_SUCCESS:
        raise EngineError(f'NVRTC cannot be started: {error.name}')
    try:
        options = [f'--gpu-architecture={architecture}'.encode()]
        error, = nvrtc.nvrtcCompileProgram(program, len(options), options)
        if error != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            _, size = nvrtc.nvrtcGetProgramLogSize(program)
            log = b' ' * size
            nvrtc.nvrtcGetProgramLog(program, log)
            raise EngineError(f'NVRTC cannot compile for {architecture}: '
                              f'{log.decode(errors="replace").strip()}')
        _, size = nvrtc.nvrtcGetCUBINSize(program)
        code = b' ' * size
        nvrtc.nvrtcGetCUBIN(program, code)
        return bytes(code)
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _with_nvcc(source: str, architecture: str) -> bytes:
    try:
        from pycuda.compiler import compile as compile_with_nvcc
        from pycuda.driver import CompileError
    except ImportError as error:
        raise EngineError(f'{_NO_COMPILER} ({error}): {_INSTALL}') from error
    try:
        return bytes(compile_with_nvcc(source, no_extern_c=True, arch=architecture))
    except (CompileError, OSError) as error:
        raise EngineError(f'{_NO_COMPILER} ({error}): {_INSTALL}') from error
