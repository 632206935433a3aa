# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""YOLOv5 and v7 without decoding: logits [1, 3, rows, columns, 5 + classes] per grid."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import Any

import numpy as np

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.appending import append_best, append_corners
from edge_trt_ros.heads.decoding import best_of, detections, sigmoid
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.grids import anchor_table, ANCHORS_A_CELL, cell_counts
from edge_trt_ros.heads.head import (FLOATS, Given, Head, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import check_finite, Outputs
from edge_trt_ros.vision.thresholds import Thresholds

# Anchors of networks trained on COCO, for the message about missing anchors.
_KNOWN_ANCHORS = ('v5: 10,13,16,30,33,23,30,61,62,45,59,119,116,90,156,198,373,326; v7: '
                  '12,16,19,36,40,28,36,75,76,55,72,146,142,110,192,243,459,401')


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with 2 to 4 grids computed directly by convolutions."""
    width, height = network.size_wh
    grids = sorted(network.outputs, key=lambda grid: -grid.shape[2] if len(grid.shape) == 5 else 0)
    if not 2 <= len(grids) <= 4 or any(
            len(grid.shape) != 5 or grid.shape[:2] != (1, ANCHORS_A_CELL) or min(grid.shape) < 1
            or grid.shape[4] <= 5 or grid.shape[4] != grids[0].shape[4]
            or grid.dtype not in FLOATS for grid in grids):
        return []
    strides = tuple(width // grid.shape[3] for grid in grids)
    if strides not in set(cell_counts(network.size_wh).values()) or any(
            (grid.shape[2] * stride, grid.shape[3] * stride) != (height, width)
            for grid, stride in zip(grids, strides)):
        return []
    if network.makers([grid.name for grid in grids]) != {'Conv'}:
        return []
    boxes = sum(ANCHORS_A_CELL * grid.shape[2] * grid.shape[3] for grid in grids)
    return [Reading(grids[0].shape[4] - 5, boxes,
                    {f'grid_{index}': grid for index, grid in enumerate(grids)})]


def complete(network: Network, found: RecognisedHead, given: Given) -> RecognisedHead:
    """
    Add the sizes of the anchors from the user or the metadata.

    :raises ModelError: if anchors are missing or do not fit.
    """
    anchors = given.anchors_wh or _anchors_of(network.metadata.get('anchors', ''))
    expected = 2 * ANCHORS_A_CELL * len(found.reading.roles)
    if len(anchors) != expected or min(anchors) <= 0:
        raise ModelError(
            f'the head needs the sizes of its anchors, {expected} numbers above 0 in pixels, and '
            f'{len(anchors)} are given: give anchors ({_KNOWN_ANCHORS}), or export the network '
            'with its grid', code='anchors_missing')
    return replace(found, reading=replace(found.reading, options={'anchors_wh': anchors}))


def _anchors_of(text: str) -> tuple[float, ...]:
    if not text:
        return ()
    try:
        return tuple(float(value) for value in _flat(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ModelError(f"the ONNX metadata 'anchors' cannot be read ({error}): give "
                         'anchors') from error


def _flat(values: Any) -> list[Any]:
    return [inner for value in values for inner in _flat(value)] if isinstance(
        values, (list, tuple)) else [values]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    shapes = [spec.shape for spec in found.reading.roles.values()]
    columns = shapes[0][4]
    table = anchor_table(size_wh, tuple(size_wh[0] // shape[3] for shape in shapes),
                         found.reading.options['anchors_wh'])
    rows = tail.node('Sigmoid', [tail.node('Concat', [
        tail.node('Reshape', [raw[role], tail.ints(1, -1, columns)])
        for role in found.reading.roles], axis=1)])
    scores = tail.node('Mul', [tail.columns(rows, 5, columns, 2), tail.columns(rows, 4, 5, 2)])
    order = append_best(tail, scores, kept)
    doubled = tail.node('Mul', [tail.rows(tail.columns(rows, 0, 4, 2), order, kept, 4),
                                tail.constant(np.array(2, np.float32))])
    cells = tail.rows(tail.constant(table[None]), order, kept, 5)
    centre = tail.node('Sub', [tail.columns(doubled, 0, 2, 2), tail.half()])
    centre = tail.node('Add', [centre, tail.columns(cells, 0, 2, 2)])
    size = tail.columns(doubled, 2, 4, 2)
    append_corners(tail, tail.node('Concat', [
        tail.node('Mul', [centre, tail.columns(cells, 2, 3, 2)]),
        tail.node('Mul', [tail.node('Mul', [size, size]), tail.columns(cells, 3, 5, 2)])],
        axis=2))


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds,
           anchors_wh: tuple[float, ...] = ()) -> Detections:
    """
    Decode the logits of all grids.

    Centre = (2 s - 0.5 + cell) * stride and size = (2 s)^2 * anchor, where s is the sigmoid
    (Ultralytics YOLOv5, `models/yolo.py`).
    """
    grids = [values[0].astype(np.float32, copy=False) for values in outputs.values()]
    for name, values in outputs.items():
        check_finite(name, values)
    raw = sigmoid(np.concatenate([grid.reshape(-1, grid.shape[-1]) for grid in grids]))
    strides = tuple(letterbox.network_size_wh[0] // grid.shape[2] for grid in grids)
    chosen, scores, class_ids = best_of(raw[:, 5:] * raw[:, 4:5], thresholds)
    cells = anchor_table(letterbox.network_size_wh, strides, tuple(anchors_wh))[chosen]
    boxes = np.concatenate([(raw[chosen, :2] * 2 - 0.5 + cells[:, :2]) * cells[:, 2:3],
                            (raw[chosen, 2:4] * 2) ** 2 * cells[:, 3:]], 1)
    return detections(xywh_to_xyxy(boxes), scores, class_ids, letterbox, thresholds,
                      suppress=True)


_READ_CELL = """
template <class Values>
__device__ void read_cell(Values value, int cell, int columns, float stride, float anchor_width,
                          float anchor_height, Row& found) {
  float object = sigmoid(value(4));
  for (int label = 0; label < CLASSES; ++label)
    offer(found, sigmoid(value(5 + label)) * object, label);
  float width = sigmoid(value(2)) * 2, height = sigmoid(value(3)) * 2;
  from_centre(found, (sigmoid(value(0)) * 2 - 0.5f + cell % columns) * stride,
              (sigmoid(value(1)) * 2 - 0.5f + cell / columns) * stride,
              width * width * anchor_width, height * height * anchor_height);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding; each grid and anchor has its own branch."""
    anchors = iter(network.options['anchors_wh'])
    body, columns, rows = '', 0, 0
    for role, (_, count, height, width, columns) in network.shapes.items():
        stride = network.size_wh[0] // width
        for anchor in range(count):
            start = anchor * height * width
            body += (
                f'  if (row < {height * width}) return read_cell([&](int column) {{ return '
                f'{role}(in, ({start} + row) * {columns} + column); }}, row, {width}, {stride}, '
                f'{float(next(anchors))!r}f, {float(next(anchors))!r}f, found);\n'
                f'  row -= {height * width};\n')
            rows += height * width
    code = f'__device__ void read_row(Reader& in, int row, Row& found) {{\n{body}}}\n'
    return DeviceCode(_READ_CELL + code, rows, UPRIGHT_NMS, {'CLASSES': columns - 5})


HEAD = Head('yolo_grids', ('detect',), 'candidates',
            'outputs [1, 3, rows, columns, 5 + classes] of 2 to 4 grids',
            'YOLOv5, YOLOv7 without grid', read, append, decode,
            needs='anchors, or metadata of that name', complete=complete, on_device=on_device)
