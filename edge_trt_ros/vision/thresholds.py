# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Thresholds that decide which results of a network are kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    :param class_confidence: minimum score of each class by its index, at least `confidence`;
        empty uses `confidence` for all.
    :raises ConfigurationError: for a value out of range.
    """

    confidence: float = 0.25
    nms_iou: float = 0.45
    max_detections: int = 300
    class_ids: Collection[int] | None = None
    top_k: int = 5
    class_confidence: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for name in ('confidence', 'nms_iou'):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigurationError(f'{name} is {getattr(self, name)}, expected 0 to 1')
        if self.class_confidence and not (
                self.confidence <= min(self.class_confidence) and max(self.class_confidence) <= 1):
            raise ConfigurationError(f'class_confidence is {self.class_confidence}, expected '
                                     f'{self.confidence} (confidence) to 1')
        for name in ('max_detections', 'top_k'):
            if getattr(self, name) < 1:
                raise ConfigurationError(f'{name} is {getattr(self, name)}, expected 1 or more')

    def accepted(self, scores: NDArray[Any], class_ids: NDArray[Any]) -> NDArray[np.bool_]:
        """
        Return which candidates have a wanted class and a sufficient score for it.

        :param scores: float (n,), all at least `confidence`.
        :param class_ids: (n,), whole numbers of any dtype.
        """
        wanted = np.ones(len(scores), np.bool_)
        if self.class_ids is not None:
            wanted &= np.isin(class_ids, tuple(self.class_ids))
        if self.class_confidence:
            minimum = np.asarray(self.class_confidence, np.float32)
            # A class without a label is an error that is reported later.
            known = np.clip(class_ids.astype(np.int64), 0, len(minimum) - 1)
            wanted &= scores >= minimum[known]
        return wanted
