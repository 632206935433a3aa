# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Any network: its outputs are passed on unchanged."""

from __future__ import annotations

from math import prod

from edge_trt_ros.heads.head import Head, Network, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.tasks.tensors import tensors


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose outputs have fixed shapes."""
    if not network.outputs or any(
            output.dtype == 'bfloat16' or -1 in output.shape for output in network.outputs):
        return []
    return [Reading(0, prod(network.outputs[0].shape))]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append nothing: `convert.tasks.tensors` converts float16 to float32."""


HEAD = Head('tensors', ('tensors',), 'tensors',
            'outputs with fixed shapes', 'any other network', read, append,
            tensors, needs='task: tensors, or a tensor contract')
