"""The memory of one frame in flight: pinned on the host, and its counterpart on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.tensor_spec import TensorSpec

_ALIGNMENT_BYTES = 256  # of every tensor, as TensorRT wants it


class Slot:
    """
    Buffers of one frame, allocated once; the source's grow with the camera's images.

    The device's context has to be current for all calls.

    :param image: the network's input.
    :param outputs: its outputs.
    """

    def __init__(self, image: TensorSpec, outputs: Sequence[TensorSpec]) -> None:
        self._source_held = ExitStack()
        self._staged = np.empty(0, np.uint8)
        self.source = 0
        with ExitStack() as stack:
            self.tensor = _on_device(stack, image.size_bytes)
            # All outputs lie in one piece, so that one copy brings them.
            starts = list(accumulate((_aligned(one.size_bytes) for one in outputs), initial=0))
            self._outputs = _on_device(stack, starts[-1])
            self._downloaded = _pinned(stack, starts[-1])
            self._held = stack.pop_all()
        self.addresses = {image.name: self.tensor}
        self._results: dict[str, NDArray[Any]] = {}
        for output, start in zip(outputs, starts):
            self.addresses[output.name] = self._outputs + start
            self._results[output.name] = self._downloaded[start:start + output.size_bytes].view(
                _host_dtype(output)).reshape(output.shape)
        self._bfloat16 = [one.name for one in outputs if one.dtype == 'bfloat16']

    def stage(self, pixels: NDArray[np.uint8]) -> bool:
        """
        Copy an image into pinned memory, its rows without padding.

        :param pixels: uint8, of any strides; not modified.
        :returns: whether the buffers moved, so that what refers to them is void.
        """
        moved = pixels.size > self._staged.size
        if moved:
            self._staged = np.empty(0, np.uint8)
            self._source_held.close()
            with ExitStack() as stack:
                staged = _pinned(stack, pixels.size)
                self.source = _on_device(stack, pixels.size)
                self._source_held = stack.pop_all()
            self._staged = staged
        # One thread: what a second core has written, the GPU fetches from that core's cache, and
        # the upload loses what the copy has won.
        np.copyto(self._staged[:pixels.size].reshape(pixels.shape), pixels)
        return moved

    def upload(self, stream: Any, size_bytes: int) -> None:
        """Queue the copy of the staged image to the device."""
        cuda.memcpy_htod_async(self.source, self._staged[:size_bytes], stream)

    def download(self, stream: Any) -> None:
        """Queue the copy of all outputs to the host."""
        cuda.memcpy_dtoh_async(self._downloaded, self._outputs, stream)

    def results(self) -> Mapping[str, NDArray[Any]]:
        """Return the outputs, valid until the slot is used again; bfloat16 as float32."""
        return self._results | {
            name: (self._results[name].astype(np.uint32) << 16).view(np.float32)
            for name in self._bfloat16}

    def close(self) -> None:
        """Free everything; may be called twice."""
        self._staged = self._downloaded = np.empty(0, np.uint8)
        self._results = {}
        self._source_held.close()
        self._held.close()


def _host_dtype(output: TensorSpec) -> str:
    return 'uint16' if output.dtype == 'bfloat16' else output.dtype


def _on_device(stack: ExitStack, size_bytes: int) -> int:
    memory = cuda.mem_alloc(max(size_bytes, 1))
    stack.callback(memory.free)
    return int(memory)


def _pinned(stack: ExitStack, size_bytes: int) -> NDArray[np.uint8]:
    array = cuda.pagelocked_empty(max(size_bytes, 1), np.uint8)
    stack.callback(array.base.free)
    return np.asarray(array)


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
