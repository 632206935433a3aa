# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""MoveNet: y, x and score for each keypoint of one person, or of six with their boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.heads.appending import append_order
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.tasks.pose import add_keypoints, with_keypoints
from edge_trt_ros.vision.thresholds import Thresholds

_POINTS = 17
_SHAPES = ((1, 1, _POINTS, 3), (1, 6, 3 * _POINTS + 5))
# The image fits centred, and the padding is black.
_PIXELS: dict[str, Any] = {'scale': 1.0, 'pad_value': 0}


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with one of MoveNet's two shapes."""
    output = network.outputs[0] if len(network.outputs) == 1 else None
    if output is None or output.shape not in _SHAPES \
            or not is_fixed(output, FLOATS, len(output.shape)):
        return []
    return [Reading(1, output.shape[1], {'output': output}, _PIXELS,
                    options={'keypoint_shape': (_POINTS, 3)})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    rows = found.rows
    flat = tail.node('Reshape', [raw['output'], tail.ints(1, rows, -1)])
    points = tail.node('Reshape', [tail.columns(flat, 0, 3 * _POINTS, 2),
                                   tail.ints(1, rows, _POINTS, 3)])
    y, x, score = (tail.columns(points, column, column + 1, 3) for column in range(3))
    x, y = (tail.node('Mul', [values, tail.floats(float(side))])
            for values, side in zip((x, y), size_wh))
    if rows == 1:
        edges = [tail.node(operator, [values, tail.ints(2)], keepdims=0)
                 for operator in ('ReduceMin', 'ReduceMax') for values in (x, y)]
        scores = tail.node('ReduceMean', [score, tail.ints(2, 3)], keepdims=0)
    else:
        edges = [tail.node('Mul', [tail.columns(flat, column, column + 1, 2),
                                   tail.floats(float(side))])
                 for column, side in zip((52, 51, 54, 53), size_wh * 2)]
        scores = tail.node('Squeeze', [tail.columns(flat, 55, 56, 2), tail.ints(2)])
    order = append_order(tail, scores, tail.constant(np.zeros((1, rows), np.int64)), kept)
    tail.node('Identity', [tail.rows(tail.node('Concat', edges, axis=2), order, kept, 4)],
              'boxes_xyxy')
    whole = tail.node('Reshape', [tail.node('Concat', [x, y, score], axis=3),
                                  tail.ints(1, rows, 3 * _POINTS)])
    tail.node('Reshape', [tail.rows(whole, order, kept, 3 * _POINTS),
                          tail.ints(1, kept, _POINTS, 3)], 'keypoints')


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
           keypoint_shape: tuple[int, int] = (_POINTS, 3)) -> Detections:
    """
    Decode keypoints as fractions of the input.

    The box of a single person is that of its keypoints, and its score their mean.

    :param keypoint_shape: 17 keypoints of 3 numbers.
    """
    name, raw = next(iter(outputs.items()))
    check_finite(name, raw)
    width, height = letterbox.network_size_wh
    flat = raw.reshape(raw.shape[1], -1).astype(np.float32)
    points = flat[:, :3 * _POINTS].reshape(-1, *keypoint_shape)[:, :, [1, 0, 2]]
    points = points * np.array([width, height, 1], np.float32)
    if len(flat) == 1:
        boxes = np.concatenate([points[..., :2].min(1), points[..., :2].max(1)], 1)
        scores = points[..., 2].mean(1)
    else:
        boxes = flat[:, [52, 51, 54, 53]] * np.array([width, height] * 2, np.float32)
        scores = flat[:, 55]
    chosen = scores >= thresholds.confidence
    return with_keypoints(boxes[chosen], scores[chosen], np.zeros(int(chosen.sum()), np.int64),
                          points[chosen], letterbox, thresholds, suppress=False)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  int at = row * COLUMNS;
  float sum = 0;
  found.x1 = found.y1 = 1e30f; found.x2 = found.y2 = -1e30f;
  for (int point = 0; point < POINTS; ++point) {
    float y = output(in, at + 3 * point) * HEIGHT, x = output(in, at + 3 * point + 1) * WIDTH;
    found.x1 = fminf(found.x1, x); found.x2 = fmaxf(found.x2, x);
    found.y1 = fminf(found.y1, y); found.y2 = fmaxf(found.y2, y);
    sum += output(in, at + 3 * point + 2);
  }
  found.score = sum / POINTS; found.label = 0;
  if (COLUMNS == 3 * POINTS) return;
  found.y1 = output(in, at + 51) * HEIGHT; found.x1 = output(in, at + 52) * WIDTH;
  found.y2 = output(in, at + 53) * HEIGHT; found.x2 = output(in, at + 54) * WIDTH;
  found.score = output(in, at + 55);
}
__device__ float extra(Reader& in, int row, int index) {
  int at = row * COLUMNS + index / 3 * 3;
  if (index % 3 == 0) return output(in, at + 1) * WIDTH;
  return index % 3 == 1 ? output(in, at) * HEIGHT : output(in, at + 2);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    shape = network.shapes['output']
    columns = 3 * _POINTS if len(shape) == 4 else shape[2]
    return DeviceCode(_READ_ROW, shape[1], NO_NMS, {'COLUMNS': columns, 'POINTS': _POINTS},
                      extras=3 * _POINTS, finish=_finish)


def _finish(found: Detections, extras: NDArray[np.float32], outputs: Outputs,
            letterbox: Letterbox, options: Mapping[str, Any]) -> Detections:
    return add_keypoints(found, extras.reshape(-1, _POINTS, 3), letterbox)


HEAD = Head('movenet', ('pose',), 'keypoints_final',
            '[1, 1, 17, 3] or [1, 6, 56] of y, x and score', 'MoveNet (TensorFlow)', read, append,
            decode, needs='task', on_device=on_device)
