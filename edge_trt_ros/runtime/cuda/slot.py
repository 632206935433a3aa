# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Slots: the tensors of a batch of samples on the device, and its outputs on the host."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import ExitStack
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.memory import mapped, pinned
from edge_trt_ros.runtime.cuda.session import CudaSession
from edge_trt_ros.tensor_spec import TensorSpec

_ALIGNMENT_BYTES = 256  # TensorRT requires it for every tensor


class Slot:
    """
    Tensors of a batch, allocated once; the device's context must be current for all calls.

    :param session: the GPU.
    :param inputs: the network's inputs for one sample.
    :param outputs: the network's outputs for one sample.
    :param to_host: names of the outputs that the host reads; None for all.
    :param batch: maximum number of samples.
    :param shares: a slot of the same stream whose tensors on the device are used as well: the
        work of the two never overlaps. It must be closed later.
    :param is_mapped: whether the device shares the memory of the host, so that the network writes
        outputs where the host reads them; otherwise they are downloaded.
    """

    def __init__(self, session: CudaSession, inputs: Sequence[TensorSpec],
                 outputs: Sequence[TensorSpec], to_host: Collection[str] | None = None, *,
                 batch: int = 1, shares: Slot | None = None, is_mapped: bool = False) -> None:
        self.inputs = {spec.name: spec for spec in inputs}
        self.batch, self.is_mapped = batch, is_mapped
        self._read = [spec for spec in outputs if to_host is None or spec.name in to_host]
        self._on_host: dict[str, NDArray[Any]] = {}
        self.addresses: dict[str, int] = dict(shares.addresses) if shares else {}
        # Outputs that are downloaded are in one block, so that a single copy suffices.
        sizes = [_aligned(batch * spec.size_bytes) for spec in self._read]
        starts = list(accumulate(sizes, initial=0))
        with ExitStack() as stack:
            if is_mapped:
                host, block = mapped(stack, starts[-1])
            else:
                host = pinned(stack, starts[-1])
                block = shares.block if shares else session.allocate(stack, starts[-1])
            self._host = host
            self.block: int = block
            for spec, start in zip(self._read, starts):
                self.addresses[spec.name] = block + start
                self._on_host[spec.name] = host[start:start + batch * spec.size_bytes].view(
                    _host_dtype(spec)).reshape(batch, *spec.shape)
            for spec in (*inputs, *outputs):
                if spec.name not in self.addresses:
                    self.addresses[spec.name] = session.allocate(stack, batch * spec.size_bytes)
            self._held = stack.pop_all()
        self._bfloat16 = {spec.name for spec in self._read if spec.dtype == 'bfloat16'}

    def download(self, stream: Any, samples: int) -> None:
        """Queue the copies of the outputs that the host reads."""
        if self.is_mapped or not self._read:
            return
        if samples == self.batch:
            cuda.memcpy_dtoh_async(self._host, self.block, stream)
        else:
            for name, values in self._on_host.items():
                cuda.memcpy_dtoh_async(values[:samples], self.addresses[name], stream)

    def results(self, place: int) -> dict[str, NDArray[Any]]:
        """
        Return the outputs of a sample by name, valid until the slot is reused.

        :param place: place of the sample in its batch.
        :returns: arrays of the shapes of one sample; bfloat16 becomes float32.
        """
        return {name: _as_float32(values[place]) if name in self._bfloat16 else values[place]
                for name, values in self._on_host.items()}

    def close(self) -> None:
        """Free all memory; may be called twice."""
        self._on_host, self._host = {}, np.empty(0, np.uint8)
        self._held.close()


def _as_float32(bfloat16: NDArray[Any]) -> NDArray[np.float32]:
    return (bfloat16.astype(np.uint32) << 16).view(np.float32)


def _host_dtype(output: TensorSpec) -> str:
    return 'uint16' if output.dtype == 'bfloat16' else output.dtype


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
