# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Finds the NVIDIA GPU through its driver, without creating a CUDA context."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

_COMPUTE_CAPABILITY_MAJOR, _COMPUTE_CAPABILITY_MINOR, _INTEGRATED = 75, 76, 18


@dataclass(frozen=True)
class GpuDevice:
    """
    One GPU.

    :param name: product name from the driver.
    :param compute_capability: compute capability, as '8.7'.
    :param driver: CUDA version that the driver supports, as '13.0'.
    :param pci_bus_id: its address, as '0000:65:00.0'; '' if it has none.
    :param is_integrated: whether it shares the memory of the host, as in a Jetson.
    """

    name: str
    compute_capability: str
    driver: str
    pci_bus_id: str = ''
    is_integrated: bool = False


def find_gpu(index: int = 0) -> GpuDevice | None:
    """
    Return a GPU; None if there is no such GPU or no driver.

    :param index: number of the GPU in the driver's order.
    """
    try:
        cuda = ctypes.CDLL('libcuda.so.1')
    except OSError:
        return None
    device, version, major, minor, integrated = (ctypes.c_int() for _ in range(5))
    name, bus = ctypes.create_string_buffer(256), ctypes.create_string_buffer(32)
    # Each call returns 0 on success; `or` stops at the first failure.
    failed = (
        cuda.cuInit(0) or cuda.cuDriverGetVersion(ctypes.byref(version))
        or cuda.cuDeviceGet(ctypes.byref(device), index)
        or cuda.cuDeviceGetName(name, len(name), device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(major), _COMPUTE_CAPABILITY_MAJOR, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(minor), _COMPUTE_CAPABILITY_MINOR, device)
        or cuda.cuDeviceGetAttribute(ctypes.byref(integrated), _INTEGRATED, device))
    if failed:
        return None
    if cuda.cuDeviceGetPCIBusId(bus, len(bus), device):
        bus.value = b''
    return GpuDevice(name.value.decode(errors='replace'), f'{major.value}.{minor.value}',
                     f'{version.value // 1000}.{version.value % 1000 // 10}', bus.value.decode(),
                     bool(integrated.value))


def driver_version(root: Path = Path('/')) -> str:
    """
    Return the version of the NVIDIA driver, as '580.95.05'; '' for none, or on a Jetson.

    :param root: folder that contains the machine's file system.
    """
    try:
        return (root / 'sys/module/nvidia/version').read_text(encoding='utf-8').strip()
    except OSError:
        return ''  # the driver of a Jetson is part of the kernel
