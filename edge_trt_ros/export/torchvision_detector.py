"""The detectors of torchvision as networks of tensors, which exporters ask for."""

from __future__ import annotations

import torch

from edge_trt_ros.errors import ModelError

OUTPUT_NAMES = ('boxes', 'scores', 'labels')


def is_torchvision_detector(network: object) -> bool:
    """Return whether a network takes a list of images and gives a list of dicts."""
    return type(network).__module__.startswith('torchvision.models.detection.')


class TorchvisionDetector(torch.nn.Module):
    """
    One image in, and boxes, scores and labels out.

    :param network: the detector.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """
        Detect.

        :param images: float32 [1, 3, height, width], RGB from 0 to 1.
        :returns: boxes_xyxy float32 [n, 4] in pixels, scores float32 [n], labels int64 [n].
        :raises ModelError: if the network gives more, as masks.
        """
        found, = self.network([images[0]])
        if set(found) != set(OUTPUT_NAMES):
            raise ModelError(f"a torchvision detector that gives {', '.join(sorted(found))} is "
                             f"not known, only one that gives {', '.join(OUTPUT_NAMES)}")
        return found['boxes'], found['scores'], found['labels']
