"""Detections with keypoints each: joints of a person, corners of a pallet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import named_outputs, only_output
from edge_trt_ros.vision.postprocess import Outputs, select, Thresholds


def keypoints(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode a fused head (see `convert.fuse_tasks`)."""
    named = named_outputs(outputs, scores=2, boxes_xyxy=3, class_ids=2, keypoints=4, checksum=1)
    chosen = named['scores'][0] >= thresholds.confidence
    return _with_keypoints(named['boxes_xyxy'][0][chosen], named['scores'][0][chosen],
                           named['class_ids'][0][chosen], named['keypoints'][0][chosen],
                           letterbox, thresholds)


def yolo_pose(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
              keypoint_shape: tuple[int, int] = (0, 0)) -> Detections:
    """
    Decode [1, 4 + classes + keypoints * numbers, anchors] (Ultralytics v8, 11, 12).

    :param keypoint_shape: keypoints of an object and numbers of each: x, y and perhaps a score.
    """
    raw = only_output(outputs, 3)[0]
    end = len(raw) - keypoint_shape[0] * keypoint_shape[1]
    if end < 5:
        raise NetworkOutputError(f'the network gives {len(raw)} rows, too few for keypoints of '
                                 f'shape {keypoint_shape}: rebuild the engine')
    scores = raw[4:end].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return _with_keypoints(
        xywh_to_xyxy(raw[:4, chosen].T), scores[chosen], raw[4:end, chosen].argmax(0),
        raw[end:, chosen].T.reshape(-1, *keypoint_shape), letterbox, thresholds)


def _with_keypoints(boxes: NDArray[Any], scores: NDArray[Any], class_ids: NDArray[Any],
                    points: NDArray[Any], letterbox: Letterbox, thresholds: Thresholds
                    ) -> Detections:
    found, rows = select(boxes, scores, class_ids, letterbox, thresholds, suppress=True)
    kept = points[rows].astype(np.float32)
    if kept.shape[2] == 2:
        # Without a score of its own a keypoint is as sure as its object.
        sure = np.broadcast_to(found.scores[:, None, None], (*kept.shape[:2], 1))
        kept = np.concatenate([kept, sure], 2)
    return replace(found, keypoints=letterbox.keypoints_to_source(kept))
