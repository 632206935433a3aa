# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Run a PyTorch network in float64, to tell rounding from errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
import copy
from typing import Any

from numpy.typing import NDArray
import torch
from torch.utils._pytree import tree_leaves


def in_float64(network: Any) -> Callable[[Sequence[NDArray[Any]]], list[NDArray[Any]] | None]:
    """
    Return a function that runs a copy of a network in float64.

    It returns None for a network that does not run so, for example because its code states
    float32. Then it does not try again.

    :param network: the network; not modified.
    """
    copies: list[Any] = []

    def run(feed: Sequence[NDArray[Any]]) -> list[NDArray[Any]] | None:
        try:
            if not copies:
                copies.append(copy.deepcopy(network).double())
            if copies[0] is None:
                return None
            tensors = [tensor.double() if tensor.is_floating_point() else tensor
                       for tensor in map(torch.from_numpy, feed)]
            with torch.no_grad():
                outputs = [leaf for leaf in tree_leaves(copies[0](*tensors)) if leaf is not None]
            return [output.detach().numpy() for output in outputs]
        except Exception:  # the network's own code; float32 is then the reference
            copies[:] = [None]
            return None
    return run
