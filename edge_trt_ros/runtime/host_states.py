# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The states of a network in the memory of the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.tensor_input import StateInput


class HostStates:
    """
    The values of all states; they start with their initial ones.

    :param states: the states of the network.
    :ivar tensors: the arrays by the names of the input tensors; they are changed in place.
    """

    def __init__(self, states: Sequence[StateInput]) -> None:
        self._states = states
        self.tensors: dict[str, NDArray[Any]] = {state.tensor: state.first() for state in states}

    def advance(self, outputs: Mapping[str, NDArray[Any]]) -> None:
        """Take the states from the outputs of a run, by name."""
        for state in self._states:
            np.copyto(self.tensors[state.tensor], outputs[state.output])

    def reset(self) -> None:
        """Return to the initial values."""
        for state in self._states:
            np.copyto(self.tensors[state.tensor], state.first())
