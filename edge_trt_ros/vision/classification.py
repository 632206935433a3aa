"""What a whole image shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, only_output
from edge_trt_ros.vision.postprocess import Outputs, Thresholds


@dataclass(frozen=True)
class Classification:
    """
    The classes of one image, the likeliest first.

    :param class_ids: int64 (k,), index into the labels.
    :param scores: float32 (k,), 0 to 1, descending.
    """

    class_ids: NDArray[np.int64]
    scores: NDArray[np.float32]


def classify(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Classification:
    """Decode a fused head (see `convert.fuse_tasks`)."""
    named = named_outputs(outputs, scores=2, class_ids=2, checksum=1)
    return _best(named['scores'][0], named['class_ids'][0].astype(np.int64), thresholds)


def classify_scores(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds
                    ) -> Classification:
    """Decode [1, classes] of probabilities."""
    scores = only_output(outputs, 2)[0]
    return _best(scores, np.arange(len(scores)), thresholds)


def classify_logits(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds
                    ) -> Classification:
    """Decode [1, classes] of logits: softmax first."""
    logits = only_output(outputs, 2)[0]
    powers = np.exp(logits - logits.max())
    return _best(powers / powers.sum(), np.arange(len(logits)), thresholds)


def _best(scores: NDArray[Any], class_ids: NDArray[np.int64], thresholds: Thresholds
          ) -> Classification:
    if thresholds.class_ids is not None:
        wanted = np.isin(class_ids, tuple(thresholds.class_ids))
        scores, class_ids = scores[wanted], class_ids[wanted]
    order = np.argsort(-scores, kind='stable')[:thresholds.top_k]
    return Classification(class_ids[order], scores[order].astype(np.float32))
