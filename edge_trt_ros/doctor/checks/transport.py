# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""How images travel between the processes of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
import re
import shutil

from edge_trt_ros.doctor.finding import Finding, OK, OPTIONAL, WARNING
from edge_trt_ros.doctor.host import Host
from edge_trt_ros.doctor.surroundings import Surroundings
from edge_trt_ros.files import read_file
from edge_trt_ros.ros.node.transport import (profile_path, PROFILE_VARIABLES, profile_variables,
                                             TRANSPORTS_VARIABLE)

_FAST_DDS, _CYCLONE = 'rmw_fastrtps', 'rmw_cyclonedds'
_DEFAULT_SEGMENT = 512 << 10
# A 1280x720 image in bgr8, and the receive buffer below which UDP loses such images.
_IMAGE_BYTES, _RECEIVE_BYTES = 1280 * 720 * 3, 10 << 20
_SHARED_MEMORY_BYTES = 256 << 20


def transport(surroundings: Surroundings) -> Iterator[Finding]:
    """Check whether images fit into the transport that this process would use."""
    environ = surroundings.host.environ
    middleware = environ.get('RMW_IMPLEMENTATION') or 'rmw_fastrtps_cpp'
    profile = next((environ[name] for name in PROFILE_VARIABLES if environ.get(name)), '')
    builtin = environ.get(TRANSPORTS_VARIABLE, '')
    export = f'export {profile_variables()[0]}={profile_path()}'
    if middleware.startswith(_CYCLONE):
        yield _over_udp(surroundings.host, middleware)
    elif not middleware.startswith(_FAST_DDS):
        yield Finding('transport', OK, f'{middleware}; its settings are not checked')
    elif profile:
        yield _of_profile(Path(profile), export)
    elif builtin:
        large = builtin.startswith('LARGE_DATA')
        yield Finding('transport', OK if large else WARNING, f'{TRANSPORTS_VARIABLE} is {builtin}'
                      + ('' if large else '; images of 1280x720 are lost'),
                      '' if large else f'unset {TRANSPORTS_VARIABLE}')
    else:
        yield Finding('transport', OPTIONAL, 'Fast DDS; the nodes set a profile for images, a '
                      'camera driver of others needs it as well', export)


def _of_profile(path: Path, export: str) -> Finding:
    try:
        text = read_file(path, 1 << 20).decode('utf-8', errors='replace')
    except OSError as error:
        return Finding('transport', WARNING, f'{path} cannot be read ({error.strerror}), so Fast '
                       'DDS uses its defaults and images are lost', export)
    sizes = [int(size) for size in re.findall(r'<segment_size>\s*(\d+)', text)]
    segment = max(sizes, default=_DEFAULT_SEGMENT)
    if segment < _IMAGE_BYTES:
        return Finding('transport', WARNING, f'{path} has a segment of {segment >> 10} KiB, but '
                       f'an image of 1280x720 has {_IMAGE_BYTES >> 10} KiB', export)
    return Finding('transport', OK, f'Fast DDS, {path.name}: a segment of {segment >> 20} MiB')


def _over_udp(host: Host, middleware: str) -> Finding:
    limit = host.text('/proc/sys/net/core/rmem_max')
    if limit.isdigit() and int(limit) < _RECEIVE_BYTES:
        return Finding('transport', WARNING, f'{middleware}: the receive buffer has '
                       f'{int(limit) >> 10} KiB, so large images are lost',
                       'sudo sysctl -w net.core.rmem_max=2147483647')
    return Finding('transport', OK, middleware)


def shared_memory(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the size of /dev/shm, in which Fast DDS puts images."""
    host = surroundings.host
    folder = host.path('/dev/shm')
    try:
        usage = shutil.disk_usage(folder)
    except OSError as error:
        yield Finding('shared memory', WARNING, f'/dev/shm cannot be used ({error.strerror}); '
                      'images go over UDP')
        return
    text = f'/dev/shm has {usage.free >> 20} of {usage.total >> 20} MiB free'
    if usage.free >= _SHARED_MEMORY_BYTES:
        yield Finding('shared memory', OK, text)
    elif usage.total < _SHARED_MEMORY_BYTES:
        yield Finding('shared memory', WARNING, f'{text}, but each process with images needs 64',
                      'docker run --shm-size=1g ...' if host.in_container
                      else 'sudo mount -o remount,size=1G /dev/shm')
    else:
        yield Finding('shared memory', WARNING, f'{text}; processes that were killed leave their '
                      'segments there', 'fastdds shm clean')
