# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Allocates pinned host memory that an `ExitStack` frees."""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda


def pinned(stack: ExitStack, size_bytes: int) -> NDArray[np.uint8]:
    """Allocate pinned host memory; return it as bytes. The stack frees it."""
    array = cuda.pagelocked_empty(max(size_bytes, 1), np.uint8)
    stack.callback(array.base.free)
    return np.asarray(array)


def mapped(stack: ExitStack, size_bytes: int) -> tuple[NDArray[np.uint8], int]:
    """Allocate pinned host memory that the device reads; return it and its device address."""
    array = cuda.pagelocked_empty(max(size_bytes, 1), np.uint8,
                                  mem_flags=cuda.host_alloc_flags.DEVICEMAP)
    stack.callback(array.base.free)
    return np.asarray(array), int(array.base.get_device_pointer())
