# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Prune a PyTorch network 2:4 and keep the zeros while it is fine-tuned.

Pruning alone ruins the accuracy of a detector; a few hundred training steps with fixed zeros
restore it::

    sparse = SparseWeights(network)
    for batch in batches:
        ...  # forward, backward, optimizer.step()
        sparse.restore()
"""

from __future__ import annotations

import torch
from torch import nn


class SparseWeights:
    """
    The pruned weights of a network, and the elements of them that stay.

    In each group of four neighbouring input channels, the two weights of smaller magnitude become
    zero. This applies to linear layers and to convolutions without groups, if the number of
    their input channels is a multiple of 4.

    :param network: the network, which is pruned in place.
    """

    def __init__(self, network: nn.Module) -> None:
        self._kept = [(module.weight, _kept(module.weight)) for module in network.modules()
                      if isinstance(module, (nn.Conv2d, nn.Linear))
                      and getattr(module, 'groups', 1) == 1 and module.weight.shape[1] % 4 == 0]
        self.restore()

    def __len__(self) -> int:
        return len(self._kept)

    def restore(self) -> None:
        """Set the pruned elements to zero again; call this after each optimizer step."""
        with torch.no_grad():
            for weight, kept in self._kept:
                weight.mul_(kept)


def _kept(weight: torch.Tensor) -> torch.Tensor:
    channels_last = weight.detach().movedim(1, -1)
    fours = channels_last.reshape(-1, 4).abs()
    smaller = fours.argsort(dim=1)[:, :2]
    kept = torch.ones_like(fours).scatter_(1, smaller, 0.0)
    return kept.reshape(channels_last.shape).movedim(-1, 1).contiguous()
