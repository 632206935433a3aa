# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Ultralytics pose: dense rows with keypoints, [1, 4 + classes + keypoints * numbers, anchors]."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads.appending import append_dense_with
from edge_trt_ros.heads.box_units import final_rows
from edge_trt_ros.heads.device import dense_code, DeviceCode, DeviceNetwork
from edge_trt_ros.heads.head import (all_float_and_fixed, Head, Network, Raw, Reading,
                                     RecognisedHead, Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output, Outputs
from edge_trt_ros.vision.tasks.pose import add_keypoints, with_keypoints
from edge_trt_ros.vision.thresholds import Thresholds


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose rows match its metadata `kpt_shape`."""
    if len(network.outputs) != 1 or not all_float_and_fixed(network):
        return []
    output, (count, numbers) = network.outputs[0], keypoint_shape(network)
    classes = output.shape[1] - 4 - count * numbers if len(output.shape) == 3 else 0
    if final_rows(network, count * numbers):
        return []
    if output.shape[0] != 1 or classes < 1 or count < 1 or numbers not in (2, 3):
        return []
    return [Reading(classes, output.shape[2], {'output': output},
                    options={'keypoint_shape': (count, numbers)})]


def keypoint_shape(network: Network) -> tuple[int, int]:
    """Return keypoints per object and values per keypoint of the metadata; zeros if unknown."""
    try:
        keypoints, numbers = ast.literal_eval(network.metadata.get('kpt_shape', ''))
        return int(keypoints), int(numbers)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return 0, 0


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    count, numbers = found.reading.options['keypoint_shape']
    extra = append_dense_with(tail, raw['output'], found.shape()[1], kept, count * numbers)
    tail.node('Reshape', [extra, tail.ints(1, kept, count, numbers)], 'keypoints')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
           keypoint_shape: tuple[int, int] = (0, 0)) -> Detections:
    """
    Decode boxes, classes and keypoints.

    :param keypoint_shape: keypoints per object, and values per keypoint: x, y, optionally a score.
    """
    raw = only_output(outputs, 3)[0]
    end = len(raw) - keypoint_shape[0] * keypoint_shape[1]
    if end < 5 or min(keypoint_shape) < 1:
        raise NetworkOutputError(f'the network returns {len(raw)} rows, which do not fit '
                                 f'keypoints of shape {keypoint_shape}: rebuild the engine')
    scores = raw[4:end].max(0)
    chosen = np.flatnonzero(scores >= thresholds.confidence)
    return with_keypoints(
        xywh_to_xyxy(raw[:4, chosen].T), scores[chosen], raw[4:end, chosen].argmax(0),
        raw[end:, chosen].T.reshape(-1, *keypoint_shape), letterbox, thresholds)


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    count, numbers = network.options['keypoint_shape']
    return dense_code(network, extras=count * numbers, finish=finish_pose)


def finish_pose(found: Detections, extras: NDArray[np.float32], outputs: Outputs,
                letterbox: Letterbox, options: Mapping[str, Any]) -> Detections:
    """Add the keypoints to detections of a GPU (see `DeviceCode.finish`)."""
    return add_keypoints(found, extras.reshape(-1, *options['keypoint_shape']), letterbox)


HEAD = Head('yolo_pose', ('pose',), 'keypoints',
            '[1, 4 + classes + keypoints * numbers, anchors], with the metadata kpt_shape as '
            '[17, 3]', 'Ultralytics pose', read, append, decode, on_device=on_device)
