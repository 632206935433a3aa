"""Which NVIDIA GPU is here, asked of its driver without creating a context on it."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass

_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR = 75, 76


@dataclass(frozen=True)
class GpuDevice:
    """
    One GPU.

    :param name: as its driver calls it.
    :param compute_capability: as '8.7'.
    :param driver: the CUDA version that the driver supports, as '13.0'.
    """

    name: str
    compute_capability: str
    driver: str


def find_gpu(index: int = 0) -> GpuDevice | None:
    """
    Return a GPU; None where there is none, or no driver for it.

    :param index: which one, in the driver's order.
    """
    try:
        cuda = ctypes.CDLL('libcuda.so.1')
    except OSError:
        return None
    device, version, major, minor = (ctypes.c_int() for _ in range(4))
    name = ctypes.create_string_buffer(256)
    # Each answers 0 if it went well; the first that does not ends it.
    failed = (
        cuda.cuInit(0) or cuda.cuDriverGetVersion(ctypes.byref(version))
        or cuda.cuDeviceGet(ctypes.byref(device), index)
        or cuda.cuDeviceGetName(name, len(name), device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device))
    if failed:
        return None
    return GpuDevice(name.value.decode(errors='replace'), f'{major.value}.{minor.value}',
                     f'{version.value // 1000}.{version.value % 1000 // 10}')
