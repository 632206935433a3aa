# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""A Jetson: its JetPack, power mode and clocks, read from files."""

from __future__ import annotations

from collections.abc import Iterator
import re

from edge_trt_ros.doctor.finding import Finding, OK, OPTIONAL
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.surroundings import Surroundings
from edge_trt_ros.runtime.jetson_board import clocks_are_fixed, power_mode

# First release of Jetson Linux, the JetPack with it, and its TensorRT; newest first.
_JETPACKS = (((39, 2), '7.2', '10.16'), ((38, 0), '7', '10.13'), ((36, 4), '6.1 or later', '10.3'),
             ((36, 0), '6.0', '8.6'), ((35, 0), '5', '8.5'))


def linux_of(host: Host) -> tuple[int, int] | None:
    """Return the release of Jetson Linux, as (36, 4); None on other machines."""
    found = re.match(r'# R(\d+) \(release\), REVISION: (\d+)', host.text('/etc/nv_tegra_release'))
    return (int(found[1]), int(found[2])) if found else None


def jetpack_of(host: Host) -> str:
    """Return the JetPack, as 'JetPack 6.2'; '' on other machines."""
    release = linux_of(host)
    if release is None:
        return ''
    installed = host.dpkg_version('nvidia-jetpack').partition('+')[0]
    named = next((name for first, name, _ in _JETPACKS if release >= first), '')
    return f'JetPack {installed or named or "4 or older"}'


def tensorrt_of(host: Host) -> str:
    """Return the TensorRT of this JetPack, as '10.3'; '' on other machines, or if unknown."""
    release = linux_of(host)
    if release is None:
        return ''
    installed = re.match(r'\d+\.\d+', host.dpkg_version('python3-libnvinfer'))
    return installed[0] if installed else next(
        (version for first, _, version in _JETPACKS if release >= first), '')


def jetson(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the model, the power mode and the clocks of a Jetson."""
    host, release = surroundings.host, linux_of(surroundings.host)
    if release is None:
        return
    model = host.text('/proc/device-tree/model') or 'Jetson'
    yield Finding('Jetson', OK, f'{model}, {jetpack_of(host)}, Jetson Linux '
                  f"{'.'.join(map(str, release))}")
    yield from _power_mode(host)
    yield from _clocks(host)


def _power_mode(host: Host) -> Iterator[Finding]:
    mode = power_mode(host.root)
    if mode is None:
        return
    if mode.fastest in ('', mode.name):
        yield Finding('power mode', OK, mode.name)
    else:
        yield Finding('power mode', OPTIONAL, f'{mode.name}; {mode.fastest} is faster and needs '
                      'more power', f'sudo nvpmodel -m {mode.fastest_number}')


def _clocks(host: Host) -> Iterator[Finding]:
    fixed = clocks_are_fixed(host.root)
    if fixed is None:
        return
    if fixed:
        yield Finding('clocks', OK, 'fixed at their maximum')
    else:
        yield Finding('clocks', OPTIONAL, 'they follow the load, which makes the first frames '
                      'after a pause slower', 'sudo jetson_clocks')
