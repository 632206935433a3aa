# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""CUDA sessions: the primary context of a GPU and its streams."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack, suppress
from functools import lru_cache
from typing import Any

import pycuda.driver as cuda

from edge_trt_ros.errors import EngineError

_NON_BLOCKING = 1  # CU_STREAM_NON_BLOCKING: no implicit synchronisation with the default stream


class CudaSession:
    """
    A stream on one device, another one for uploads, and its context.

    It uses the device's primary context, which all libraries in the process share. The context is
    retained until the process ends: releasing it would destroy it for the other libraries.

    :param device_id: number of the device, as in `nvidia-smi`.
    :param priority: priority of the stream: 'high' or 'low'.
    :raises EngineError: if there is no such device or no driver.
    :ivar allocated_bytes: device memory that `allocate` holds.
    """

    def __init__(self, device_id: int = 0, priority: str = 'high') -> None:
        self.allocated_bytes = 0
        self._context = _primary_context(device_id)
        self.device: Any = cuda.Device(device_id)
        with self.current():
            self.stream: Any = cuda.Stream(_NON_BLOCKING)
            _set_priority(self.stream, priority)
            # Uploads overlap the work of the other slot.
            self.copy_stream: Any = cuda.Stream(_NON_BLOCKING)

    @property
    def device_name(self) -> str:
        """Product name of the device, as 'NVIDIA H200'."""
        return str(self.device.name())

    @property
    def compute_capability(self) -> tuple[int, int]:
        """Major and minor number of the architecture, as (9, 0)."""
        major, minor = self.device.compute_capability()
        return int(major), int(minor)

    @property
    def shares_memory(self) -> bool:
        """Whether the device shares the memory of the host, as a Jetson does."""
        return bool(self.device.get_attribute(cuda.device_attribute.INTEGRATED))

    def memory_bytes(self) -> tuple[int, int]:
        """Return free and total memory of the device in bytes; its context must be current."""
        free_bytes, total_bytes = cuda.mem_get_info()
        return int(free_bytes), int(total_bytes)

    def allocate(self, stack: ExitStack, size_bytes: int) -> int:
        """Allocate device memory; return its address. The stack frees it."""
        memory = cuda.mem_alloc(max(size_bytes, 1))
        stack.callback(self._free, memory, size_bytes)
        self.allocated_bytes += size_bytes
        return int(memory)

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make the context current in this thread; convert CUDA errors to `EngineError`."""
        self._context.push()
        try:
            yield
        except cuda.MemoryError as error:
            free_bytes, total_bytes = cuda.mem_get_info()
            raise EngineError(
                f'{self.device_name} has too little free memory: {free_bytes >> 20} of '
                f'{total_bytes >> 20} MiB are free; stop other processes on the GPU, or build the '
                'engine for a smaller input') from error
        except cuda.Error as error:
            raise EngineError(f'{self.device_name} failed: {error}') from error
        finally:
            cuda.Context.pop()

    def close(self) -> None:
        """Destroy the streams; any thread may call it, and it may be called twice."""
        with self.current():
            self.stream = self.copy_stream = None

    def _free(self, memory: Any, size_bytes: int) -> None:
        memory.free()
        self.allocated_bytes -= size_bytes


@lru_cache(maxsize=None)
def _primary_context(device_id: int) -> Any:
    try:
        cuda.init()
        count = cuda.Device.count()
        if not 0 <= device_id < count:
            raise EngineError(f'device_id is {device_id}, but this machine has {count} GPUs')
        return cuda.Device(device_id).retain_primary_context()
    except cuda.Error as error:
        raise EngineError(f'CUDA cannot be initialised ({error}): does `nvidia-smi` show the GPU, '
                          'and does the container see it?') from error


def _set_priority(stream: Any, priority: str) -> None:
    """Set the stream priority; without cuda-bindings it stays the default, the lowest."""
    with suppress(ImportError):
        from cuda.bindings import driver
        _, lowest, highest = driver.cuCtxGetStreamPriorityRange()
        value = driver.CUstreamAttrValue()
        value.priority = highest if priority == 'high' else lowest
        driver.cuStreamSetAttribute(
            driver.CUstream(stream.handle),
            driver.CUstreamAttrID.CU_LAUNCH_ATTRIBUTE_PRIORITY, value)
