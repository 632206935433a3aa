"""
From a fused network's candidates to detections.

Heads refuse outputs that are not finite: a NaN is a broken engine or a precision that
overflows, and an empty list of detections would hide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.boxes import clip_boxes, nms
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox


@dataclass(frozen=True)
class Thresholds:
    """
    What to keep.

    :param confidence: smallest score.
    :param nms_iou: overlap above which the weaker of two boxes of a class is dropped.
    :param max_detections: most detections of one image.
    :param class_ids: classes to keep; None keeps all.
    :param top_k: most classes that an image is said to be of.
    """

    confidence: float = 0.25
    nms_iou: float = 0.45
    max_detections: int = 300
    class_ids: frozenset[int] | None = None
    top_k: int = 5


Outputs = Mapping[str, NDArray[Any]]


def candidates(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode a fused head whose boxes still need suppression (see `convert.fuse_head`)."""
    return _from_candidates(outputs, letterbox, thresholds, suppress=True)


def candidates_final(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode a fused head whose boxes are final."""
    return _from_candidates(outputs, letterbox, thresholds, suppress=False)


def _from_candidates(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
                     suppress: bool) -> Detections:
    try:
        boxes, scores = outputs['boxes_xyxy'], outputs['scores']
        class_ids, checksum = outputs['class_ids'], outputs['checksum']
    except KeyError as error:
        raise NetworkOutputError(f'the network gives {sorted(outputs)}, expected boxes_xyxy, '
                                 'scores, class_ids and checksum: rebuild the engine') from error
    count = scores.shape[-1]
    if boxes.shape != (1, count, 4) or scores.shape != (1, count) \
            or class_ids.shape != (1, count):
        raise NetworkOutputError(
            f'the network gives boxes_xyxy {boxes.shape}, scores {scores.shape} and class_ids '
            f'{class_ids.shape}, expected (1, K, 4), (1, K) and (1, K): rebuild the engine')
    # The checksum last: it tells only that something is wrong, the others how much.
    for name, values in (('scores', scores), ('boxes_xyxy', boxes), ('checksum', checksum)):
        check_finite(name, values)
    chosen = scores[0] >= thresholds.confidence
    if not chosen.any():
        return Detections.empty()
    return select(boxes[0][chosen], scores[0][chosen], class_ids[0][chosen], letterbox,
                  thresholds, suppress)[0]


def select(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
           letterbox: Letterbox, thresholds: Thresholds, suppress: bool
           ) -> tuple[Detections, NDArray[np.intp]]:
    """
    Return the detections among candidates, best first, and which candidates they are.

    :param boxes: float (n, 4), corners in network pixels.
    :param scores: float (n,).
    :param class_ids: (n,), whole numbers of any type.
    :param letterbox: the way back to the source image.
    :param thresholds: what to keep; scores are above its confidence already.
    :param suppress: whether boxes that say the same are dropped.
    """
    rows = np.arange(len(boxes))
    clipped = clip_boxes(letterbox.boxes_to_source(boxes), letterbox.source_size_wh)
    # A box that lies in the padding alone must not take the place of one that is to be seen.
    wanted = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
    if thresholds.class_ids is not None:
        wanted &= np.isin(class_ids, tuple(thresholds.class_ids))
    if not wanted.all():
        rows = rows[wanted]
    if suppress:
        kept = rows[nms(boxes[rows], scores[rows], class_ids[rows].astype(np.int64),
                        thresholds.nms_iou, thresholds.max_detections)]
    else:
        kept = rows[np.argsort(-scores[rows], kind='stable')[:thresholds.max_detections]]
    return Detections(clipped[kept], scores[kept].astype(np.float32),
                      class_ids[kept].astype(np.int64)), kept


def check_finite(name: str, values: NDArray[Any]) -> None:
    """
    Refuse values that are not finite.

    :raises NetworkOutputError: naming the output and how many of its values are bad.
    """
    # The sum is finite only if every value is, and costs a fifth of testing each.
    with np.errstate(invalid='ignore'):  # opposite infinities, reported below
        total = values.sum(dtype=np.float64)
    if np.isfinite(total):
        return
    bad = int(values.size - np.isfinite(values).sum())
    raise NetworkOutputError(
        f"{bad} of {values.size} values of the network's output '{name}' are NaN or infinite: the "
        'engine is broken or its precision overflows; rebuild it in fp32 and compare')
