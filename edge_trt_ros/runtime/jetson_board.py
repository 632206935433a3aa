# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
What a Jetson writes about itself into files: power mode, clocks, load and temperature of its GPU.

Each function takes the folder that contains the machine's file system, and returns None or ''
on other machines and where a file is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
import re

_ROOT = Path('/')
# Names of the GPU in /sys/class/devfreq: JetPack 6 and 7, JetPack 5 on Orin and on Xavier.
_GPU_NAMES = ('*gpu*', '*ga10b', '*gv11b')
_LOADS = ('sys/devices/platform/gpu.0/load', 'sys/devices/gpu.0/load')
_CLOCKS = {True: 'fixed at their maximum', False: 'follow the load', None: 'unknown'}
_CPU = 'sys/devices/system/cpu/cpu0/cpufreq'


@dataclass(frozen=True)
class PowerMode:
    """
    The power mode that `nvpmodel` has set.

    :param name: its name, as '25W', or its number if it has none.
    :param fastest: name of the mode without a power limit; '' if the board has none.
    :param fastest_number: number of that mode.
    """

    name: str
    fastest: str = ''
    fastest_number: str = ''


def power_mode(root: Path = _ROOT) -> PowerMode | None:
    """Return the power mode."""
    names = dict(re.findall(r'<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+?)\s*>',
                            _text(root / 'etc/nvpmodel.conf')))
    current = re.search(r'pmode:(\d+)', _text(root / 'var/lib/nvpmodel/status'))
    if not (names and current):
        return None
    number = str(int(current[1]))
    fastest = next((key for key, name in reversed(names.items()) if name.startswith('MAXN')), '')
    return PowerMode(names.get(number, number), names.get(fastest, ''), fastest)


def clocks_are_fixed(root: Path = _ROOT) -> bool | None:
    """Return whether the clocks stay at their maximum, as `jetson_clocks` leaves them."""
    policies = [(gpu / 'min_freq', gpu / 'max_freq') for gpu in _gpus(root)]
    policies.append((root / _CPU / 'scaling_min_freq', root / _CPU / 'scaling_max_freq'))
    limits = [(_text(low), _text(high)) for low, high in policies]
    known = [(low, high) for low, high in limits if low and high]
    return all(low == high for low, high in known) if known else None


def gpu_temperature_c(root: Path = _ROOT) -> float | None:
    """Return the temperature of the GPU; a GPU without power has none."""
    for zone in sorted((root / 'sys/class/thermal').glob('thermal_zone*')):
        if _text(zone / 'type').lower().startswith('gpu'):
            return _scaled(zone / 'temp', 1e-3)
    return None


def gpu_load_percent(root: Path = _ROOT) -> float | None:
    """Return the load of the GPU."""
    found = (_scaled(path, 0.1) for path in (
        *(gpu / 'device/load' for gpu in _gpus(root)), *(root / name for name in _LOADS)))
    return next((load for load in found if load is not None), None)


def gpu_clock_mhz(root: Path = _ROOT) -> float | None:
    """Return the clock of the GPU."""
    found = (_scaled(gpu / 'cur_freq', 1e-6) for gpu in _gpus(root))
    return next((clock for clock in found if clock is not None), None)


def board_state(root: Path = _ROOT) -> dict[str, object]:
    """Return power mode and clocks for diagnostics; empty on other machines."""
    mode = power_mode(root)
    return {} if mode is None else {'power_mode': mode.name, 'clocks': _CLOCKS[
        clocks_are_fixed(root)]}


def _gpus(root: Path) -> Iterator[Path]:
    for name in _GPU_NAMES:
        yield from sorted((root / 'sys/class/devfreq').glob(name))


def _scaled(path: Path, factor: float) -> float | None:
    try:
        return float(_text(path)) * factor
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8', errors='replace').strip(' \0\n')
    except OSError:
        return ''
