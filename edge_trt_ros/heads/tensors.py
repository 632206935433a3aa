# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Any network: its outputs are passed on unchanged."""

from __future__ import annotations

from math import prod

from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.tasks.tensors import tensors


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose outputs have fixed shapes."""
    if not all_float_and_fixed(network):
        return []
    return [Reading(0, prod(network.outputs[0].shape))]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append nothing: `convert.tasks.tensors` converts float16 to float32."""


HEAD = Head('tensors', ('tensors',), 'tensors',
            'outputs of float32 or float16 with fixed shapes', 'any other network', read, append,
            tensors, needs='task: tensors')
