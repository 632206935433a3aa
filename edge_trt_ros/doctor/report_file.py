# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
One file that says how this package works on a machine, to be sent with an issue.

It holds the machine, what the doctor found, the outcomes of the GPU tests and the figures of
`benchmark`. Each of the two programs adds its part. The file names no host and no user.
"""

from __future__ import annotations

from collections.abc import Mapping
import json
from pathlib import Path
from typing import Any

from edge_trt_ros.benchmark.machine import machine_facts
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.registry import examine
from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.files import write_file
from edge_trt_ros.runtime.gpu_sensors import GpuSensors
from edge_trt_ros.runtime.jetson_board import board_state
from edge_trt_ros.runtime.tensorrt.device import find_gpu

PARTS = ('gpu_tests', 'benchmark')
_KIND = 'edge_trt_ros report'


def add_to_report(path: Path, part: str, values: Mapping[str, Any], device_id: int = 0) -> None:
    """
    Write a part of a report; another part that is in the file stays there.

    :param path: the file; it may not exist.
    :param part: a value of `PARTS`.
    :param values: JSON values.
    :param device_id: number of the GPU.
    :raises ConfigurationError: if the file exists and is no report.
    """
    report = {**_stored(path), 'kind': _KIND, 'machine': machine_facts(device_id),
              'board': {**board_state(), **_sensors(device_id)},
              'doctor': _without_names(examine(Host()).to_dict()), part: _without_names(values)}
    write_file(path, (json.dumps(report, indent=2) + '\n').encode())


def _stored(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
    except ValueError:
        stored = None
    if not isinstance(stored, dict) or stored.get('kind') != _KIND:
        raise ConfigurationError(f'{path} exists and is no report: give another file, or remove '
                                 'it')
    return {part: stored[part] for part in PARTS if part in stored}


def _sensors(device_id: int) -> dict[str, float]:
    gpu = find_gpu(device_id)
    return GpuSensors(gpu.pci_bus_id).read() if gpu else {}


def _without_names(values: Any) -> Any:
    """Return values without the home folder, which names the user."""
    return json.loads(json.dumps(values).replace(json.dumps(str(Path.home()))[1:-1], '~'))
