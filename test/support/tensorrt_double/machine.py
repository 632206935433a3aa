# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A process in which `tensorrt`, PyCUDA and the driver are doubles, as on a Jetson."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
from importlib.machinery import ModuleSpec
from pathlib import Path
import sys
from types import ModuleType
from typing import Any

import pytest
from support.cuda_bindings_double import driver_double, nvrtc_double
from support.cuda_double import Gpu
from support.tensorrt_double.builds import BUILDS
from support.tensorrt_double.double import Double
from support.tensorrt_double.runs import RUNS

VERSIONS = ('10.3.0', '10.16.1.11', '11.4.0.106')
_OURS = 'edge_trt_ros.runtime.cuda', 'edge_trt_ros.runtime.tensorrt.engine'
_THEIRS = 'tensorrt', 'pycuda', 'cuda'


class Machine:
    """
    A machine with one GPU and one TensorRT.

    :param tensorrt: the double of TensorRT.
    :param gpu: the double of CUDA.
    :param driver: the double of `cuda.bindings.driver`.
    """

    def __init__(self, tensorrt: Double, gpu: Gpu, driver: Any) -> None:
        self.tensorrt, self.gpu, self.driver = tensorrt, gpu, driver


@contextmanager
def machine_with(version: str, folder: Path, *, dla_cores: int = 2, name: str = 'Orin',
                 capability: tuple[int, int] = (8, 7), shares_memory: bool = True,
                 has_pycuda: bool = True) -> Iterator[Machine]:
    """
    Replace the libraries and the driver of this process.

    :param version: version of TensorRT, an inventory.
    :param folder: an empty folder, for caches.
    :param dla_cores: DLA cores of the machine.
    :param name: product name of the GPU.
    :param capability: compute capability of the GPU.
    :param shares_memory: whether the GPU shares the memory of the host.
    :param has_pycuda: False only builds: without PyCUDA, no engine is verified on the GPU.
    """
    gpu = Gpu(name, capability, shares_memory)
    double = Double(version, {**BUILDS, **RUNS}, dla_cores=dla_cores, queue=gpu.run)
    driver = driver_double(gpu)
    modules = {
        'tensorrt': double.module, 'pycuda': ModuleType('pycuda'), 'pycuda.driver': gpu.pycuda(),
        'cuda': ModuleType('cuda'), 'cuda.bindings': ModuleType('cuda.bindings'),
        'cuda.bindings.driver': driver, 'cuda.bindings.nvrtc': nvrtc_double()}
    if not has_pycuda:
        modules = {'tensorrt': double.module}
    for full, module in modules.items():
        module.__spec__ = module.__spec__ or ModuleSpec(full, None, origin='double')
        if '.' in full:
            setattr(modules[full.rpartition('.')[0]], full.rpartition('.')[2], module)
    before = _taken_out()
    real = ctypes.CDLL
    libcuda = _libcuda(name, capability, shares_memory)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ctypes, 'CDLL', lambda library, *rest, **named: libcuda
                      if library == 'libcuda.so.1' else real(library, *rest, **named))
        patch.setenv('XDG_CACHE_HOME', str(folder))
        sys.modules.update(modules)
        try:
            yield Machine(double, gpu, driver)
        finally:
            _taken_out()
            sys.modules.update(before)
            _link(before)


def _taken_out() -> dict[str, ModuleType]:
    """Take the libraries, and our modules that have imported them, out of this process."""
    found = {name: module for name, module in sys.modules.items() if any(
        name == root or name.startswith(f'{root}.') for root in (*_OURS, *_THEIRS))}
    for name in found:
        del sys.modules[name]
        parent = sys.modules.get(name.rpartition('.')[0])
        if parent is not None and hasattr(parent, name.rpartition('.')[2]):
            delattr(parent, name.rpartition('.')[2])
    return found


def _link(modules: dict[str, ModuleType]) -> None:
    for name, module in modules.items():
        parent = sys.modules.get(name.rpartition('.')[0])
        if parent is not None:
            setattr(parent, name.rpartition('.')[2], module)


def _libcuda(name: str, capability: tuple[int, int], shares_memory: bool) -> Any:
    """Return the functions of libcuda that find a GPU."""
    numbers = {75: capability[0], 76: capability[1], 18: int(shares_memory)}

    def put(pointer: Any, value: int) -> int:
        pointer._obj.value = value
        return 0

    def text(buffer: Any, value: bytes) -> int:
        buffer.value = value
        return 0
    functions: Any = ModuleType('libcuda')
    functions.cuInit = lambda flags: 0
    functions.cuDriverGetVersion = lambda version: put(version, 12060)
    functions.cuDeviceGet = lambda device, index: put(device, index) if index == 0 else 101
    functions.cuDeviceGetName = lambda buffer, size, device: text(buffer, name.encode())
    functions.cuDeviceGetAttribute = lambda value, key, device: put(value, numbers[key])
    functions.cuDeviceGetPCIBusId = lambda buffer, size, device: text(buffer, b'0000:00:00.0')
    return functions
