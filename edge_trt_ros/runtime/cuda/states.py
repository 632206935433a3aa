# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The states of a network on the device: outputs that become inputs of the next run."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import pycuda.driver as cuda

from edge_trt_ros.runtime.cuda.memory import pinned
from edge_trt_ros.runtime.cuda.slot import Slot
from edge_trt_ros.tensor_input import StateInput


class DeviceStates:
    """
    The states of one slot; slots of one stream share the input tensors, and so the states.

    The device's context must be current for all calls.

    :param states: the states of the network.
    :param slot: the tensors.
    """

    def __init__(self, states: Sequence[StateInput], slot: Slot) -> None:
        self._states, self._slot = states, slot
        with ExitStack() as stack:
            self._first: dict[str, Any] = {}
            for state in states:
                first = state.first()
                self._first[state.tensor] = pinned(stack, first.nbytes)
                self._first[state.tensor].view(first.dtype)[...] = first.ravel()
            self._held = stack.pop_all()

    def queue(self, stream: Any) -> None:
        """Queue the copies from outputs to inputs, after the network."""
        for state in self._states:
            cuda.memcpy_dtod_async(self._slot.addresses[state.tensor],
                                   self._slot.addresses[state.output],
                                   self._first[state.tensor].nbytes, stream)

    def reset(self, stream: Any) -> None:
        """Queue the upload of the initial values."""
        for name, values in self._first.items():
            cuda.memcpy_htod_async(self._slot.addresses[name], values, stream)

    def close(self) -> None:
        """Free all memory; may be called twice."""
        self._first = {}
        self._held.close()
