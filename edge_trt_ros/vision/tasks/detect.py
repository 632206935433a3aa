# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task detect: upright boxes with a class and a score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.drawing import draw_detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.selection import select
from edge_trt_ros.vision.tasks.task import Labels, OutputFormat, Task
from edge_trt_ros.vision.thresholds import Thresholds

# The outputs of every fused head with boxes, for its K best candidates.
CANDIDATES: dict[str, tuple[int | str, ...]] = {
    'boxes_xyxy': (1, 'K', 4), 'scores': (1, 'K'), 'class_ids': (1, 'K'), 'checksum': (1,)}


def candidates(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode candidates that still need NMS (see `convert.tasks.fuse`)."""
    return _from_candidates(outputs, letterbox, thresholds, suppress=True)


def candidates_final(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode candidates that need no NMS."""
    return _from_candidates(outputs, letterbox, thresholds, suppress=False)


def _from_candidates(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
                     suppress: bool) -> Detections:
    try:
        boxes, scores = outputs['boxes_xyxy'], outputs['scores']
        class_ids, checksum = outputs['class_ids'], outputs['checksum']
    except KeyError as error:
        raise NetworkOutputError(f'the network returns {sorted(outputs)}, expected boxes_xyxy, '
                                 'scores, class_ids and checksum: rebuild the engine') from error
    count = scores.shape[-1]
    if boxes.shape != (1, count, 4) or scores.shape != (1, count) \
            or class_ids.shape != (1, count):
        raise NetworkOutputError(
            f'the network returns boxes_xyxy {boxes.shape}, scores {scores.shape} and class_ids '
            f'{class_ids.shape}, expected (1, K, 4), (1, K) and (1, K): rebuild the engine')
    # The checksum is last: it shows only that a value is not finite, not how many are.
    for name, values in (('scores', scores), ('boxes_xyxy', boxes), ('checksum', checksum)):
        check_finite(name, values)
    chosen = scores[0] >= thresholds.confidence
    if not chosen.any():
        return Detections.empty()
    return select(boxes[0][chosen], scores[0][chosen], class_ids[0][chosen], letterbox,
                  thresholds, suppress)[0]


def draw_boxes(image_bgr: NDArray[np.uint8], result: Detections, labels: Labels) -> None:
    """Draw boxes with label and score into an image."""
    draw_detections(image_bgr, result, labels)


def describe_objects(detections: Detections, labels: Labels) -> list[dict[str, Any]]:
    """Return each detection as plain values, boxes in source pixels."""
    rows: list[dict[str, Any]] = [
        {'label': labels[class_id], 'class_id': class_id, 'score': round(score, 4),
         'box_xyxy': [round(value, 2) for value in box]} for box, score, class_id in zip(
            detections.boxes_xyxy.tolist(), detections.scores.tolist(),
            detections.class_ids.tolist())]
    for index, row in enumerate(rows):
        if detections.keypoints is not None:
            row['keypoints'] = np.round(detections.keypoints[index], 3).tolist()
        if detections.angles_rad is not None:
            row['angle_rad'] = round(float(detections.angles_rad[index]), 4)
    return rows


def describe(result: Detections, labels: Labels) -> dict[str, Any]:
    """Return a result as plain values for JSON."""
    return {'detections': describe_objects(result, labels)}


def itself(result: Detections) -> Detections:
    """Return the boxes of a result that consists of boxes."""
    return result


TASK = Task('detect', (OutputFormat('candidates', CANDIDATES, candidates),
                       OutputFormat('candidates_final', CANDIDATES, candidates_final)),
            draw_boxes, describe, itself)
