# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Random networks whose outputs depend on the picture: a few dozen objects are confident."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

# Logit of a score of 0.25.
_CONFIDENT = -1.1


def settle(network: torch.nn.Module, run: Callable[[], Any]) -> None:
    """
    Set the statistics of all batch normalisations to those of a run.

    :param network: the network; changed in place.
    :param run: runs it.
    """
    norms = [module for module in network.modules()
             if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        run()
    for norm in norms:
        norm.eval()


def spread(layers: Sequence[Any], run: Callable[[], Any], std: float, confident: int = 0,
           bias: float = 0.0) -> None:
    """
    Scale the last layers of a head so that their outputs differ from place to place.

    :param layers: convolutions or linear layers with a bias; changed in place.
    :param run: runs the network.
    :param std: standard deviation of their outputs.
    :param confident: number of outputs above the logit of 0.25; 0 leaves the bias.
    :param bias: added to the bias.
    """
    outputs: dict[int, torch.Tensor] = {}
    hooks = [layer.register_forward_hook(
        lambda module, inputs, output: outputs.__setitem__(id(module), output.detach()))
        for layer in layers]
    with torch.no_grad():
        run()
        layers = [layer for layer in layers if id(layer) in outputs]
        for layer in layers:
            layer.weight.mul_(std / outputs[id(layer)].std().clamp(min=1e-6))
            layer.bias.add_(bias)
        run()
        if confident and layers:
            values = torch.cat([outputs[id(layer)].flatten() for layer in layers])
            shift = _CONFIDENT - values.sort(descending=True).values[confident]
            for layer in layers:
                layer.bias.add_(shift)
    for hook in hooks:
        hook.remove()
