# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
A double of the CUDA calls that this package makes: PyCUDA, and the CUDA driver.

Memory is real, so what the host writes is what an engine reads. Work runs at once, or when a
captured graph is launched. Each call is checked: the context is current, addresses lie in memory
that is allocated, a kernel gets the arguments that it is prepared for. The kernel `letterbox`
runs on the CPU; those of heads do nothing, so heads on the GPU find no detections.
"""

from __future__ import annotations

from collections.abc import Callable
import ctypes
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from support.host_kernel import HAS_COMPILER, letterbox_kernel

_ALIGNMENT_BYTES = 256


class Error(Exception):
    """`pycuda.driver.Error`."""


class OutOfMemoryError(Error):
    """`pycuda.driver.MemoryError`."""


class Memory:
    """A block of memory at an aligned address."""

    def __init__(self, gpu: Gpu, size_bytes: int) -> None:
        gpu.check()
        if size_bytes > gpu.free_bytes:
            raise OutOfMemoryError('out of memory')
        self._gpu, self.size_bytes = gpu, size_bytes
        self._buffer = ctypes.create_string_buffer(size_bytes + _ALIGNMENT_BYTES)
        start = ctypes.addressof(self._buffer)
        self.address = -(-start // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
        gpu.blocks[self.address] = self
        gpu.free_bytes -= size_bytes

    @property
    def __array_interface__(self) -> dict[str, Any]:
        return {'shape': (self.size_bytes,), 'typestr': '|u1', 'version': 3,
                'data': (self.address, False)}

    def __int__(self) -> int:
        return self.address

    def get_device_pointer(self) -> int:
        return self.address

    def free(self) -> None:
        self._gpu.check()
        del self._gpu.blocks[self.address]
        self._gpu.free_bytes += self.size_bytes


class Stream:
    """A stream: work runs at once, or is kept while a graph is captured."""

    def __init__(self, gpu: Gpu, flags: int = 0) -> None:
        gpu.check()
        self._gpu, self.flags, self.captured = gpu, flags, None
        self.handle = id(self)
        gpu.streams[self.handle] = self

    captured: list[Callable[[], None]] | None

    def queue(self, work: Callable[[], None]) -> None:
        self._gpu.check()
        if self.captured is None:
            work()
        else:
            self.captured.append(work)

    def synchronize(self) -> None:
        self._gpu.check()
        if self.captured is not None:
            raise Error('a stream that captures cannot be synchronised')

    def wait_for_event(self, event: Event) -> None:
        self._gpu.check()


class Event:
    """An event; its time is a count of all recorded events, in milliseconds."""

    def __init__(self, gpu: Gpu, flags: int = 0) -> None:
        gpu.check()
        self._gpu, self.time_ms = gpu, 0.0

    def record(self, stream: Stream | None = None) -> None:
        self._gpu.check()
        self._gpu.events += 1
        self.time_ms = float(self._gpu.events)

    def synchronize(self) -> None:
        self._gpu.check()

    def time_till(self, other: Event) -> float:
        return other.time_ms - self.time_ms


class Function:
    """A kernel."""

    def __init__(self, gpu: Gpu, name: str) -> None:
        self._gpu, self.name, self._types = gpu, name, ''

    def prepare(self, types: str) -> None:
        self._types = types

    def prepared_async_call(self, grid: tuple[int, ...], block: tuple[int, ...], stream: Stream,
                            *arguments: Any) -> None:
        self._gpu.check()
        if len(arguments) != len(self._types) or min(*grid, *block) < 1:
            raise Error(f'{self.name} is called with {len(arguments)} arguments, expected '
                        f'{len(self._types)}; grid {grid}, block {block}')
        for kind, value in zip(self._types, arguments):
            if kind == 'P' and int(value):
                self._gpu.find(int(value), 1)
        self._gpu.kernels.append(self.name)
        if self.name == 'letterbox' and HAS_COMPILER:
            stream.queue(lambda: letterbox_kernel()(grid[2], *map(_plain, arguments)))


class Gpu:
    """
    One GPU.

    :param name: product name.
    :param compute_capability: major and minor number.
    :param shares_memory: whether it is integrated, as in a Jetson.
    """

    def __init__(self, name: str, compute_capability: tuple[int, int], shares_memory: bool
                 ) -> None:
        self.name, self.shares_memory = name, shares_memory
        self.capability = compute_capability
        self.total_bytes = self.free_bytes = 1 << 33
        self.depth = self.events = 0
        self.blocks: dict[int, Memory] = {}
        self.streams: dict[int, Stream] = {}
        self.kernels: list[str] = []
        self.refuses_capture = False

    def check(self) -> None:
        """Raise an error if the context is not current."""
        if not self.depth:
            raise Error('invalid device context')

    def find(self, address: int, size_bytes: int) -> None:
        """Raise an error if memory is not allocated."""
        if not any(start <= address and address + size_bytes <= start + block.size_bytes
                   for start, block in self.blocks.items()):
            raise Error(f'an illegal memory access was encountered: {size_bytes} bytes at '
                        f'{address:#x}')

    def run(self, handle: int, work: Callable[[], None]) -> bool:
        """Start the work of another library on a stream; return whether it could."""
        if self.refuses_capture and self.streams[handle].captured is not None:
            return False
        self.streams[handle].queue(work)
        return True

    def pycuda(self) -> Any:
        """Return `pycuda.driver`."""
        module: Any = ModuleType('pycuda.driver')
        module.Error, module.MemoryError, module.CompileError = Error, OutOfMemoryError, Error
        context = SimpleNamespace(push=lambda: self._push(1))
        device: Any = lambda index: SimpleNamespace(  # noqa: E731
            name=lambda: self.name, compute_capability=lambda: self.capability,
            get_attribute=lambda name: int(self.shares_memory),
            retain_primary_context=lambda: context)
        device.count = lambda: 1
        module.init, module.Device = lambda: None, device
        module.Context = SimpleNamespace(pop=lambda: self._push(-1))
        module.Stream = lambda flags=0: Stream(self, flags)
        module.Event = lambda flags=0: Event(self, flags)
        module.event_flags = SimpleNamespace(DISABLE_TIMING=2)
        module.device_attribute = SimpleNamespace(INTEGRATED=18)
        module.host_alloc_flags = SimpleNamespace(DEVICEMAP=2)
        module.mem_get_info = lambda: (self.free_bytes, self.total_bytes)
        module.mem_alloc = lambda size: Memory(self, size)
        module.pagelocked_empty = lambda size, dtype, mem_flags=0: np.asarray(
            Memory(self, size))
        module.memcpy_htod_async, module.memcpy_dtoh_async = self._to_device, self._to_host
        module.memcpy_dtod_async = self._on_device
        module.memset_d32 = self._fill
        module.module_from_buffer = lambda code: SimpleNamespace(
            get_function=lambda name: Function(self, name))
        return module

    def _push(self, step: int) -> None:
        self.depth += step

    def _to_device(self, address: int, source: Any, stream: Stream) -> None:
        self.find(address, source.nbytes)
        stream.queue(lambda: _move(address, source.ctypes.data, source.nbytes))

    def _to_host(self, target: Any, address: int, stream: Stream) -> None:
        self.find(address, target.nbytes)
        stream.queue(lambda: _move(target.ctypes.data, address, target.nbytes))

    def _on_device(self, target: int, source: int, size_bytes: int, stream: Stream) -> None:
        self.find(target, size_bytes)
        self.find(source, size_bytes)
        stream.queue(lambda: _move(target, source, size_bytes))

    def _fill(self, address: int, value: int, count: int) -> None:
        self.check()
        self.find(address, 4 * count)
        data = np.full(count, value, np.uint32)
        _move(address, data.ctypes.data, data.nbytes)


def _move(target: int, source: int, size_bytes: int) -> None:
    ctypes.memmove(target, source, size_bytes)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
