# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Temperature, load and clock of a GPU: from the driver's NVML, else from a Jetson's files.

A Jetson Orin has NVML, but it answers "not supported" to these questions.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from edge_trt_ros.runtime import jetson_board

NVML = 'libnvidia-ml.so.1'
_TEMPERATURE_OF_GPU, _CLOCK_OF_SM = 0, 1


class _Utilization(ctypes.Structure):
    _fields_ = [('gpu', ctypes.c_uint), ('memory', ctypes.c_uint)]


class GpuSensors:
    """
    The sensors of one GPU; any thread may read them.

    :param pci_bus_id: the GPU, as `GpuDevice.pci_bus_id`; '' for the only one.
    :param root: folder that contains the machine's file system.
    :param library: file name of NVML.
    """

    def __init__(self, pci_bus_id: str = '', root: Path = Path('/'), library: str = NVML) -> None:
        self._root = root
        self._nvml, self._device = _open(library, pci_bus_id)

    def read(self) -> dict[str, float]:
        """Return `gpu_temperature_c`, `gpu_load_percent` and `gpu_clock_mhz`, where known."""
        values = {
            'gpu_temperature_c': _first(self._temperature_c(),
                                        jetson_board.gpu_temperature_c(self._root)),
            'gpu_load_percent': _first(self._load_percent(),
                                       jetson_board.gpu_load_percent(self._root)),
            'gpu_clock_mhz': _first(self._clock_mhz(), jetson_board.gpu_clock_mhz(self._root))}
        return {name: value for name, value in values.items() if value is not None}

    def _temperature_c(self) -> float | None:
        return self._asked('nvmlDeviceGetTemperature', _TEMPERATURE_OF_GPU)

    def _clock_mhz(self) -> float | None:
        return self._asked('nvmlDeviceGetClockInfo', _CLOCK_OF_SM)

    def _load_percent(self) -> float | None:
        if self._nvml is None:
            return None
        found = _Utilization()
        failed = self._nvml.nvmlDeviceGetUtilizationRates(self._device, ctypes.byref(found))
        return None if failed else float(found.gpu)

    def _asked(self, function: str, kind: int) -> float | None:
        if self._nvml is None:
            return None
        value = ctypes.c_uint()
        failed = getattr(self._nvml, function)(self._device, kind, ctypes.byref(value))
        return None if failed else float(value.value)


def _open(library: str, pci_bus_id: str) -> tuple[Any, ctypes.c_void_p]:
    """Return NVML and the handle of a GPU; None for NVML if it does not know the GPU."""
    device, count = ctypes.c_void_p(), ctypes.c_uint()
    try:
        nvml = ctypes.CDLL(library)
    except OSError:
        return None, device
    if nvml.nvmlInit_v2():
        return None, device
    if not nvml.nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id.encode(), ctypes.byref(device)):
        return nvml, device
    # An integrated GPU may have no PCI address. Its number is safe only if it is the only one.
    if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) or count.value != 1 \
            or nvml.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(device)):
        return None, device
    return nvml, device


def _first(asked: float | None, read: float | None) -> float | None:
    return read if asked is None else asked
