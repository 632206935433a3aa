# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The demo's detector: a small one-stage network without anchors, three strides.

In training the network returns raw distances and logits of each cell. The exported network decodes
them to the layout of Ultralytics models: float32 (1, 4 + classes, cells), with rows centre x,
centre y, width, height in pixels of the network's input, then one score per class.
"""

from __future__ import annotations

import math

import torch
from torch import nn, Tensor

STRIDES = (8, 16, 32)


def conv(inputs: int, outputs: int, kernel: int = 3, stride: int = 1,
         groups: int = 1) -> nn.Sequential:
    """Return a convolution with batch normalisation and SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03), nn.SiLU(inplace=True))


class Bottleneck(nn.Module):
    """Two convolutions with a residual connection."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(channels, channels), conv(channels, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return the input plus the output of the convolutions."""
        return x + self.body(x)


class Stage(nn.Module):
    """Cross-stage partial block: half of the channels skip the bottlenecks."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        half = outputs // 2
        self.split = conv(inputs, outputs, 1)
        self.blocks = nn.ModuleList(Bottleneck(half) for _ in range(depth))
        self.merge = conv(half * (2 + depth), outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same size."""
        parts = list(self.split(x).chunk(2, dim=1))
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.merge(torch.cat(parts, dim=1))


class Head(nn.Module):
    """Two branches for one stride: four distances to the sides of the box, and class logits."""

    def __init__(self, inputs: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.boxes = nn.Sequential(conv(inputs, hidden), conv(hidden, hidden, groups=hidden),
                                   nn.Conv2d(hidden, 4, 1))
        self.scores = nn.Sequential(conv(inputs, hidden), conv(hidden, hidden, groups=hidden),
                                    nn.Conv2d(hidden, classes, 1))
        nn.init.constant_(_bias(self.boxes), 1.0)
        nn.init.constant_(_bias(self.scores), -math.log((1 - 0.01) / 0.01))

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 4 + classes, rows, columns): distances in strides, then logits."""
        distances = nn.functional.softplus(self.boxes(x))
        return torch.cat((distances, self.scores(x)), dim=1)


def _bias(branch: nn.Sequential) -> Tensor:
    last = branch[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    return last.bias


class RoadUserNet(nn.Module):
    """
    Backbone, top-down and bottom-up feature pyramid, one head for each stride.

    :param classes: number of classes.
    :param size_wh: width and height of the input in pixels, multiples of 32.
    """

    centers: Tensor
    strides: Tensor

    def __init__(self, classes: int, size_wh: tuple[int, int]) -> None:
        super().__init__()
        self.classes = classes
        c2, c3, c4, c5, hidden = 32, 48, 64, 80, 40
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, c2, 3, 2))
        self.stage3 = nn.Sequential(conv(c2, c3, 3, 2), Stage(c3, c3, 2))
        self.stage4 = nn.Sequential(conv(c3, c4, 3, 2), Stage(c4, c4, 2))
        self.stage5 = nn.Sequential(conv(c4, c5, 3, 2), Stage(c5, c5, 1))
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.context = conv(c5 * 3, c5, 1)
        self.down4 = Stage(c5 + c4, c4, 1)
        self.down3 = Stage(c4 + c3, c3, 1)
        self.shrink3 = conv(c3, c3, 3, 2)
        self.up4 = Stage(c3 + c4, c4, 1)
        self.shrink4 = conv(c4, c4, 3, 2)
        self.up5 = Stage(c4 + c5, c5, 1)
        self.heads = nn.ModuleList(Head(c, hidden, classes) for c in (c3, c4, c5))
        centers, strides = _grid(size_wh)
        self.register_buffer('centers', centers, persistent=False)
        self.register_buffer('strides', strides, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """
        Return raw predictions.

        :param images: float32 (batch, 3, height, width), rgb 0..1.
        :returns: float32 (batch, cells, 4 + classes): distances from a cell's centre to left,
            top, right and bottom in strides, then logits.
        """
        f3 = self.stage3(self.stem(images))
        f4 = self.stage4(f3)
        f5 = self.stage5(f4)
        wide = self.pool(f5)
        f5 = self.context(torch.cat((f5, wide, self.pool(wide)), dim=1))
        p4 = self.down4(torch.cat((_doubled(f5), f4), dim=1))
        p3 = self.down3(torch.cat((_doubled(p4), f3), dim=1))
        p4 = self.up4(torch.cat((self.shrink3(p3), p4), dim=1))
        p5 = self.up5(torch.cat((self.shrink4(p4), f5), dim=1))
        found = [head(p).flatten(2) for head, p in zip(self.heads, (p3, p4, p5))]
        return torch.cat(found, dim=2).transpose(1, 2)

    def boxes(self, raw: Tensor) -> Tensor:
        """Return boxes x0, y0, x1, y1 in input pixels, (batch, cells, 4), of raw predictions."""
        distances = raw[..., :4] * self.strides[:, None]
        return torch.cat((self.centers - distances[..., :2], self.centers + distances[..., 2:]),
                         dim=-1)


class ExportedNet(nn.Module):
    """A trained network with its decoding, for the export."""

    def __init__(self, net: RoadUserNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        """Return float32 (batch, 4 + classes, cells) in the layout of Ultralytics models."""
        raw = self.net(images)
        low, high = self.net.boxes(raw).chunk(2, dim=-1)
        found = torch.cat(((low + high) / 2, high - low, raw[..., 4:].sigmoid()), dim=-1)
        return found.transpose(1, 2)


def _doubled(x: Tensor) -> Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode='nearest')


def _grid(size_wh: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the centre (x, y) of every cell in input pixels, and its stride."""
    centers, strides = [], []
    for stride in STRIDES:
        x = (torch.arange(size_wh[0] // stride) + 0.5) * stride
        y = (torch.arange(size_wh[1] // stride) + 0.5) * stride
        rows, columns = torch.meshgrid(y, x, indexing='ij')
        centers.append(torch.stack((columns, rows), dim=-1).reshape(-1, 2))
        strides.append(torch.full((len(centers[-1]),), float(stride)))
    return torch.cat(centers), torch.cat(strides)
