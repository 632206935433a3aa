"""The memory of one frame in flight: pinned on the host, and its counterpart on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.tensor_spec import TensorSpec

_WORTH_TWO_THREADS = 1 << 20  # bytes


class Slot:
    """
    Buffers of one frame, allocated once; the source's grow with the camera's images.

    The device's context has to be current for all calls.

    :param image: the network's input.
    :param outputs: its outputs.
    :param helper: a thread that takes half of a large image's copy.
    """

    def __init__(self, image: TensorSpec, outputs: Sequence[TensorSpec],
                 helper: ThreadPoolExecutor) -> None:
        self._helper = helper
        self._source_held = ExitStack()
        self._staged = np.empty(0, np.uint8)
        self.source = 0
        with ExitStack() as stack:
            self.tensor = _on_device(stack, image.size_bytes)
            self._results: dict[str, NDArray[Any]] = {}
            self.addresses = {image.name: self.tensor}
            for output in outputs:
                self._results[output.name] = _pinned(stack, output.shape, _host_dtype(output))
                self.addresses[output.name] = _on_device(stack, output.size_bytes)
            self._held = stack.pop_all()
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
                staged = _pinned(stack, (pixels.size,), 'uint8')
                self.source = _on_device(stack, pixels.size)
                self._source_held = stack.pop_all()
            self._staged = staged
        staged = self._staged[:pixels.size].reshape(pixels.shape)
        if pixels.size < _WORTH_TWO_THREADS:
            np.copyto(staged, pixels)
            return moved
        # One core alone does not use up the memory's bandwidth.
        half = len(pixels) // 2
        second = self._helper.submit(np.copyto, staged[half:], pixels[half:])
        np.copyto(staged[:half], pixels[:half])
        second.result()
        return moved

    def upload(self, stream: Any, size_bytes: int) -> None:
        """Queue the copy of the staged image to the device."""
        cuda.memcpy_htod_async(self.source, self._staged[:size_bytes], stream)

    def download(self, stream: Any) -> None:
        """Queue the copy of all outputs to the host."""
        for name, result in self._results.items():
            cuda.memcpy_dtoh_async(result, self.addresses[name], stream)

    def results(self) -> Mapping[str, NDArray[Any]]:
        """Return the outputs, valid until the slot is used again; bfloat16 as float32."""
        return self._results | {
            name: (self._results[name].astype(np.uint32) << 16).view(np.float32)
            for name in self._bfloat16}

    def close(self) -> None:
        """Free everything; may be called twice."""
        self._staged, self._results = np.empty(0, np.uint8), {}
        self._source_held.close()
        self._held.close()


def _host_dtype(output: TensorSpec) -> str:
    return 'uint16' if output.dtype == 'bfloat16' else output.dtype


def _on_device(stack: ExitStack, size_bytes: int) -> int:
    memory = cuda.mem_alloc(max(size_bytes, 1))
    stack.callback(memory.free)
    return int(memory)


def _pinned(stack: ExitStack, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    array = cuda.pagelocked_empty(shape, dtype)
    stack.callback(array.base.free)
    return np.asarray(array)
