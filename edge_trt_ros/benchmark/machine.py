# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The machine and library versions of a measurement."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
import os
from pathlib import Path
import platform
from typing import Any

import psutil

from edge_trt_ros import __version__
from edge_trt_ros.runtime.tensorrt.device import driver_version, find_gpu

_LIBRARIES = ('numpy', 'opencv-python-headless', 'opencv-python', 'onnxruntime', 'pycuda',
              'cuda-bindings', 'tensorrt', 'tensorrt_rtx_cu13', 'tensorrt_rtx_cu12')


def machine_facts(device_id: int = 0) -> dict[str, Any]:
    """Return processor, GPU, system and the versions of the libraries, as a JSON object."""
    gpu = find_gpu(device_id)
    return {
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'processor': _processor(), 'cores': len(os.sched_getaffinity(0)),
        'memory_gb': round(psutil.virtual_memory().total / 1e9, 1),
        'gpu': gpu.name if gpu else '',
        'gpu_driver': driver_version() if gpu else '', 'cuda': gpu.driver if gpu else '',
        'system': f'{platform.system()} {platform.release()}, {platform.machine()}',
        'python': platform.python_version(), 'edge_trt_ros': __version__,
        **{name: found for name in _LIBRARIES if (found := _version(name))}}


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ''
