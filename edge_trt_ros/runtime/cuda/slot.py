# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Slots: the tensors of one sample on the device, and its outputs in pinned host memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray
import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.memory import on_device, pinned
from edge_trt_ros.tensor_spec import TensorSpec

_ALIGNMENT_BYTES = 256  # TensorRT requires it for every tensor


class Slot:
    """
    Tensors of one sample, allocated once; the device's context must be current for all calls.

    :param inputs: the network's inputs.
    :param outputs: the network's outputs.
    :param to_host: names of the outputs that are downloaded; None downloads all.
    """

    def __init__(self, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec],
                 to_host: Collection[str] | None = None) -> None:
        # Outputs that stay on the device come last.
        read = [spec for spec in outputs if to_host is None or spec.name in to_host]
        outputs = [*read, *(spec for spec in outputs if spec not in read)]
        self.inputs = {spec.name: spec for spec in inputs}
        with ExitStack() as stack:
            self.addresses = {spec.name: on_device(stack, spec.size_bytes) for spec in inputs}
            # All outputs are in one block, so a single copy downloads those that are read.
            starts = list(accumulate((_aligned(spec.size_bytes) for spec in outputs), initial=0))
            self._outputs = on_device(stack, starts[-1])
            self._downloaded = pinned(stack, starts[len(read)])
            self._held = stack.pop_all()
        self._results: dict[str, NDArray[Any]] = {}
        for output, start in zip(outputs, starts):
            self.addresses[output.name] = self._outputs + start
        for output, start in zip(read, starts):
            self._results[output.name] = self._downloaded[start:start + output.size_bytes].view(
                _host_dtype(output)).reshape(output.shape)
        self._bfloat16 = [spec.name for spec in read if spec.dtype == 'bfloat16']

    def download(self, stream: Any) -> None:
        """Queue the copy of the outputs that are read on the host."""
        if self._results:
            cuda.memcpy_dtoh_async(self._downloaded, self._outputs, stream)

    def results(self) -> Mapping[str, NDArray[Any]]:
        """Return the outputs by name, valid until the slot is reused; bfloat16 becomes float32."""
        return self._results | {
            name: (self._results[name].astype(np.uint32) << 16).view(np.float32)
            for name in self._bfloat16}

    def close(self) -> None:
        """Free all memory; may be called twice."""
        self._downloaded = np.empty(0, np.uint8)
        self._results = {}
        self._held.close()


def _host_dtype(output: TensorSpec) -> str:
    return 'uint16' if output.dtype == 'bfloat16' else output.dtype


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT_BYTES) * _ALIGNMENT_BYTES
