# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Small PyTorch networks to export; requires torch."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


class Classifier(nn.Module):
    """Logits (batch, classes) of images whose sides are multiples of 4."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8),
                                  nn.ReLU())
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1), nn.SiLU(), nn.Dropout(0.5))
        self.head = nn.Linear(8, classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.head(self.body(self.stem(images)).mean((2, 3)))


class Dense(nn.Module):
    """A detector's head as Ultralytics exports it, [1, 4 + classes, cells]."""

    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.mix = nn.ModuleList(nn.Conv2d(3, 4 + classes, 1) for _ in range(3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return centres, sizes and scores of each cell."""
        found = [mix(nn.functional.avg_pool2d(images, stride)).flatten(2)
                 for mix, stride in zip(self.mix, (8, 16, 32))]
        raw = torch.cat(found, 2).sigmoid()
        return torch.cat((raw[:, :4] * images.shape[3], raw[:, 4:]), 1)


class TwoOutputs(nn.Module):
    """A network with an image and a scale as inputs, and a mapping of two tensors as output."""

    def forward(self, image: torch.Tensor, scale: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return two tensors."""
        return {'big': image * scale, 'small': image.mean((2, 3))}


class Tokens(nn.Module):
    """A network whose input is token IDs."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(100, 4)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the mean of the embeddings."""
        return self.table(tokens).mean(1)


class Counting(nn.Module):
    """Returns a different value in each call, which tracing would freeze."""

    calls = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the images plus the number of the call."""
        self.calls += 1
        return images + self.calls


class Branching(nn.Module):
    """Branches on the values of its input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the images or their negative."""
        if images.sum() > 0:
            return images
        return -images


class FixedSize(nn.Module):
    """Adds a constant image of 32 by 64 pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer('own', torch.rand(1, 3, 32, 64))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the sum, or fail for another size."""
        return images + self.own


class BrainFloat(nn.Module):
    """Returns bfloat16, which ONNX Runtime's Python API does not support."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return bfloat16."""
        return images.to(torch.bfloat16)


class Broken(nn.Module):
    """Fails on every input."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Raise."""
        raise RuntimeError('the sizes of tensors must match')


def no_network() -> dict[str, Any]:
    """Return a dict instead of a network."""
    return {}


def nan_network() -> nn.Module:
    """Return a network with NaN in its weights."""
    network = Classifier()
    with torch.no_grad():
        network.head.weight[0, 0] = float('nan')
    return network


ready = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
