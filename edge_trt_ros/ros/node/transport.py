# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Transport settings that a process needs before it starts rclpy, so that camera images arrive.

The shared-memory segment of Fast DDS has 512 KiB by default. An image of 2.7 MB does not fit and
is sent over UDP in fragments; a best-effort stream of such images loses most of its frames. The
profile `fastdds.xml` in this folder enlarges the segment. The publisher's segment counts, so a
camera driver needs the profile as well.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

# Fast DDS 2 (Jazzy) reads the first variable, Fast DDS 3 the second.
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
_FAST_DDS_PACKAGES = ('fastrtps', 'fastdds')
TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
# With it, users choose the number of arenas themselves.
ARENAS_VARIABLE = 'MALLOC_ARENA_MAX'
_USERS_CHOICE = (*PROFILE_VARIABLES, TRANSPORTS_VARIABLE)
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def prepare_transport() -> None:
    """Set up this process for images, before `rclpy.init`; child processes inherit it."""
    os.environ.update(transport_environment())
    keep_large_blocks()


def transport_environment() -> dict[str, str]:
    """Return the environment variables to set; none if the user has chosen a transport."""
    if any(os.environ.get(name) for name in _USERS_CHOICE):
        return {}
    return {name: str(profile_path()) for name in profile_variables()}


def profile_variables() -> tuple[str, ...]:
    """Return the variable of the installed Fast DDS, or both if its version is unknown."""
    # Both would do, but Fast DDS 3 prints a warning for the first in each process.
    prefixes = [Path(prefix) for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(':')
                if prefix]
    found = tuple(variable for variable, package in zip(PROFILE_VARIABLES, _FAST_DDS_PACKAGES)
                  if any((prefix / 'share' / package).is_dir() for prefix in prefixes))
    return found or PROFILE_VARIABLES


def profile_path() -> Path:
    """Return the Fast DDS profile that comes with this package."""
    return Path(__file__).with_name('fastdds.xml')


def keep_large_blocks() -> None:
    """Keep malloc from returning the memory of each image to the kernel, in one arena."""
    # Page faults on 2.7 MB of new memory cost more than all copies of the image together.
    # With an arena for each thread, each would keep its own free memory: malloc_trim returns the
    # free end of the first one only.
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(_M_TRIM_THRESHOLD, 512 << 20)
        if not os.environ.get(ARENAS_VARIABLE):
            libc.mallopt(_M_ARENA_MAX, 1)
    except (OSError, AttributeError):
        pass  # a C library without mallopt


def return_free_blocks() -> None:
    """Return the free memory of this process to the kernel, after an engine was closed."""
    # The threads of each engine leave free blocks: after 200 engines a node would have 70 MB more
    # than after one. It takes about 3 ms, without the interpreter lock.
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        pass  # a C library without malloc_trim
