# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Wrap torchvision detectors as networks of plain tensors, which exporters require."""

from __future__ import annotations

import torch

from edge_trt_ros.errors import ModelError

OUTPUT_NAMES = ('boxes', 'scores', 'labels')


def is_torchvision_detector(network: object) -> bool:
    """Return whether a network is a torchvision detector (list of images to list of dicts)."""
    return type(network).__module__.startswith('torchvision.models.detection.')


class TorchvisionDetector(torch.nn.Module):
    """
    A torchvision detector for one image, which returns boxes, scores and labels as tensors.

    :param network: the detector.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Detect objects.

        :param images: float32 [1, 3, height, width], RGB from 0 to 1.
        :returns: boxes_xyxy float32 [n, 4] in pixels, scores float32 [n], labels int64 [n].
        :raises ModelError: if the network returns more, such as masks.
        """
        found, = self.network([images[0]])
        if set(found) != set(OUTPUT_NAMES):
            raise ModelError(f"the torchvision detector returns {', '.join(sorted(found))}, "
                             f"expected {', '.join(OUTPUT_NAMES)}: give a detector without masks "
                             'or keypoints')
        return found['boxes'], found['scores'], found['labels']
