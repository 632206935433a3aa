# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Thresholds that decide which results of a network are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from edge_trt_ros.errors import ConfigurationError


@dataclass(frozen=True)
class Thresholds:
    """
    The thresholds of one network.

    :param confidence: minimum score.
    :param nms_iou: overlap (IoU) above which the weaker of two boxes of a class is dropped.
    :param max_detections: maximum number of detections per image.
    :param class_ids: classes to keep; None keeps all.
    :param top_k: maximum number of classes of a classification.
    :raises ConfigurationError: for a value out of range.
    """

    confidence: float = 0.25
    nms_iou: float = 0.45
    max_detections: int = 300
    class_ids: Collection[int] | None = None
    top_k: int = 5

    def __post_init__(self) -> None:
        for name in ('confidence', 'nms_iou'):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f'{name} is {getattr(self, name)}, expected 0 to 1')
        for name in ('max_detections', 'top_k'):
            if getattr(self, name) < 1:
                raise ConfigurationError(f'{name} is {getattr(self, name)}, expected 1 or more')
