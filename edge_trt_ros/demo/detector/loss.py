# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The training loss: CIoU of the boxes and quality-weighted classification.

Each true box is assigned to the cells in or next to it with the best product of score and IoU
(task alignment). Cells over an object that is too small or too hidden have no loss.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor

from edge_trt_ros.demo.detector.network import RoadUserNet

_CELLS_PER_BOX = 9
_SCORE_POWER, _OVERLAP_POWER = 0.5, 4.0
_REACH_STRIDES = 1.0
_BOX_WEIGHT = 5.0


@dataclass(frozen=True)
class Targets:
    """
    True boxes of a batch, padded to the longest list.

    :param boxes_xyxy: float32 (batch, m, 4), network pixels.
    :param class_ids: int64 (batch, m).
    :param taught: bool (batch, m); true for an object that the detector learns to find.
    :param ignored: bool (batch, m); true for an object that has no loss.
    """

    boxes_xyxy: Tensor
    class_ids: Tensor
    taught: Tensor
    ignored: Tensor


def detection_loss(net: RoadUserNet, raw: Tensor, targets: Targets) -> Tensor:
    """
    Return the loss of a batch, a scalar.

    :param net: the network, for the centres and strides of its cells.
    :param raw: float32 (batch, cells, 4 + classes), the output of the network.
    :param targets: the true boxes.
    """
    boxes, logits = net.boxes(raw), raw[..., 4:]
    with torch.no_grad():
        owner, quality = _assign(net, boxes, logits.sigmoid(), targets)
    assigned = owner >= 0
    target_scores = torch.zeros_like(logits)
    batch, cell = assigned.nonzero(as_tuple=True)
    mine = owner[batch, cell]
    target_scores[batch, cell, targets.class_ids[batch, mine]] = quality[batch, cell]
    counted = (assigned | ~_covered(net, targets))[..., None]
    score_loss = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target_scores, reduction='none')
    total = quality[assigned].sum().clamp(min=1.0)
    overlap = complete_iou(boxes[batch, cell], targets.boxes_xyxy[batch, mine])
    box_loss = ((1 - overlap) * quality[batch, cell]).sum() / total
    return (score_loss * counted).sum() / total + _BOX_WEIGHT * box_loss


def _assign(net: RoadUserNet, boxes: Tensor, scores: Tensor,
            targets: Targets) -> tuple[Tensor, Tensor]:
    """Return for each cell the index of its true box (-1: none) and its target score."""
    true = targets.boxes_xyxy
    middle = (true[..., :2] + true[..., 2:])[:, :, None] / 2
    half = (true[..., 2:] - true[..., :2])[:, :, None] / 2
    # A small object may contain no cell's centre: extend it to one stride.
    reach = torch.maximum(half, _REACH_STRIDES * net.strides[None, None, :, None])
    inside = ((net.centers - middle).abs() < reach).all(dim=-1) & targets.taught[..., None]
    overlap = pairwise_iou(true, boxes)
    index = targets.class_ids[..., None].expand(-1, -1, scores.shape[1])
    score = torch.gather(scores.transpose(1, 2), 1, index)
    agreement = score ** _SCORE_POWER * overlap ** _OVERLAP_POWER * inside + 1e-12 * inside
    best, cells = agreement.topk(_CELLS_PER_BOX, dim=-1)
    chosen = torch.zeros_like(inside).scatter_(2, cells, best > 0)
    # A cell that two boxes chose is assigned to the one with the larger IoU.
    rank = torch.where(chosen, overlap + 1e-6, torch.zeros_like(overlap))
    top, owner = rank.max(dim=1)
    owner = torch.where(top > 0, owner, torch.full_like(owner, -1))
    mine = chosen & (torch.arange(true.shape[1])[None, :, None] == owner[:, None])
    kept = agreement * mine
    peak = kept.amax(dim=-1, keepdim=True).clamp(min=1e-12)
    ceiling = (overlap * mine).amax(dim=-1, keepdim=True)
    quality = (kept / peak * ceiling).amax(dim=1)
    return owner, quality


def _covered(net: RoadUserNet, targets: Targets) -> Tensor:
    """Return for each cell whether its centre lies in an ignored object."""
    margin = net.strides[None, None, :] / 2
    x, y = net.centers[:, 0], net.centers[:, 1]
    x0, y0, x1, y1 = targets.boxes_xyxy[..., None].unbind(dim=2)
    inside = (x > x0 - margin) & (x < x1 + margin) & (y > y0 - margin) & (y < y1 + margin)
    return (inside & targets.ignored[..., None]).any(dim=1)


def pairwise_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return the IoU of boxes (batch, m, 4) with boxes (batch, n, 4): (batch, m, n)."""
    low = torch.maximum(first[:, :, None, :2], second[:, None, :, :2])
    high = torch.minimum(first[:, :, None, 2:], second[:, None, :, 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)
    areas = [(boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(dim=-1)
             for boxes in (first, second)]
    return both / (areas[0][:, :, None] + areas[1][:, None] - both).clamp(min=1e-9)


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """Return the CIoU of pairs of boxes (n, 4): IoU minus penalties for distance and aspect."""
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, 2:], second[:, 2:])
    both = (high - low).clamp(min=0).prod(dim=-1)
    size1, size2 = (first[:, 2:] - first[:, :2]), (second[:, 2:] - second[:, :2])
    overlap = both / (size1.prod(dim=-1) + size2.prod(dim=-1) - both).clamp(min=1e-9)
    hull = torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2],
                                                                      second[:, :2])
    apart = (first[:, :2] + first[:, 2:] - second[:, :2] - second[:, 2:]) / 2
    distance = apart.pow(2).sum(dim=-1) / hull.pow(2).sum(dim=-1).clamp(min=1e-9)
    angle1, angle2 = (torch.atan(size[:, 0] / size[:, 1].clamp(min=1e-6))
                      for size in (size1, size2))
    aspect = 4 / math.pi ** 2 * (angle1 - angle2).pow(2)
    with torch.no_grad():
        weight = aspect / (1 - overlap + aspect).clamp(min=1e-9)
    return overlap - distance - weight * aspect
