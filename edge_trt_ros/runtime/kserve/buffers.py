# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The tensors that a robot sends: in memory that the server reads too, or copied into requests.

A server on this host reads the frames from shared memory, which saves two copies. A server
elsewhere cannot open the segment and says so; then the tensors travel in the requests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory
import os
import secrets
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.runtime.kserve.served_model import DATATYPES
from edge_trt_ros.tensor_spec import TensorSpec

_ALIGNMENT = 64


class FrameBuffers:
    """
    The input tensors of each slot.

    :param specs: the tensors of one slot.
    :param slots: number of slots.
    :ivar tensors: for each slot the arrays by name, to write into.
    :ivar why_copied: why they are not in shared memory; '' if they are.
    """

    def __init__(self, specs: Sequence[TensorSpec], slots: int) -> None:
        self._specs = tuple(specs)
        sizes = [-(-spec.size_bytes // _ALIGNMENT) * _ALIGNMENT for spec in specs]
        self.size_bytes = sum(sizes) * slots
        # Nobody can have a segment of this name, so none that exists already is ever touched.
        self.name = f'edge_trt_ros_{os.getpid()}_{secrets.token_hex(8)}'
        self.why_copied = ''
        self._memory: SharedMemory | None = None
        try:
            self._memory = SharedMemory(self.name, create=True, size=self.size_bytes)
            _reserve(self.name, self.size_bytes)
        except OSError as error:
            self._release()
            self.why_copied = f'no shared memory here: {error.strerror}'
        whole: Any = self._memory.buf if self._memory else bytearray(self.size_bytes)
        self.offsets: list[dict[str, int]] = []
        self.tensors: list[dict[str, NDArray[Any]]] = []
        start = 0
        for _ in range(slots):
            self.offsets.append({})
            self.tensors.append({})
            for spec, size in zip(specs, sizes):
                self.offsets[-1][spec.name] = start
                self.tensors[-1][spec.name] = np.ndarray(
                    spec.shape, spec.dtype, buffer=whole, offset=start)
                start += size
        for tensors in self.tensors:
            for tensor in tensors.values():
                tensor.fill(0)

    @property
    def is_shared(self) -> bool:
        """Whether the tensors are in shared memory."""
        return self._memory is not None

    def inputs(self, make: Callable[[str, list[int], str], Any], *, shared: bool
               ) -> list[list[tuple[str, Any]]]:
        """
        Return the inputs of a request for each slot, by name.

        :param make: makes the client's input from name, shape and type.
        :param shared: whether the server knows the segment.
        """
        made = []
        for offsets in self.offsets:
            made.append([(spec.name, make(spec.name, list(spec.shape), DATATYPES[spec.dtype]))
                         for spec in self._specs])
            if shared:
                for spec, (name, tensor) in zip(self._specs, made[-1]):
                    tensor.set_shared_memory(self.name, spec.size_bytes, offsets[name])
        return made

    def close(self) -> None:
        """Remove the segment; may be called twice."""
        self.tensors = []
        self._release()

    def _release(self) -> None:
        memory, self._memory = self._memory, None
        if memory is not None:
            with suppress(FileNotFoundError):
                memory.unlink()
            with suppress(BufferError):  # a view is still in use: it goes with the view
                memory.close()


def _reserve(name: str, size_bytes: int) -> None:
    """Take the memory now: where /dev/shm is full, the first write would end the process."""
    descriptor = os.open(f'/dev/shm/{name}', os.O_RDWR | os.O_CLOEXEC)
    try:
        os.posix_fallocate(descriptor, 0, size_bytes)
    finally:
        os.close(descriptor)
