# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""NanoDet: one output [1, cells, classes + 4 * bins], scores and distributions of distances."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads.appending import append_best
from edge_trt_ros.heads.decoding import best_of, detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.distances import append_distances, boxes_of, MEAN_BIN
from edge_trt_ros.heads.grids import cell_code, cell_counts, cell_table
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

BINS = 8
# Its trainers read BGR, and stretch images to the input's size.
_PIXELS = {'color_order': 'bgr', 'scale': 1.0, 'mean': (103.53, 116.28, 123.675),
           'std': (57.375, 57.12, 58.395), 'fit': 'squash'}
# NanoDet has three grids and centres; NanoDet-Plus has four, and the upper left of each cell.
_SHIFTS = {(8, 16, 32): 0.5, (8, 16, 32, 64): 0.0}


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose scores are sigmoids, and its distances are not."""
    output = only_output(network)
    strides = cell_counts(network.size_wh).get(output.shape[1], ()) if output else ()
    if output is None or strides not in _SHIFTS or output.shape[2] <= 4 * BINS:
        return []
    if network.makers([output.name]) != {'Sigmoid', 'Conv'}:
        return []
    return [Reading(output.shape[2] - 4 * BINS, output.shape[1], {'output': output}, _PIXELS,
                    needs_labels=True, options={'shift': _SHIFTS[strides]})]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    _, count, columns = found.shape()
    order = append_best(tail, tail.columns(raw['output'], 0, columns - 4 * BINS, 2), kept)
    table = cell_table(size_wh, cell_counts(size_wh)[count]).copy()
    table[:, :2] = (table[:, :2] + found.reading.options['shift']) * table[:, 2:]
    cells = tail.rows(tail.constant(table[None]), order, kept, 3)
    bins = tail.rows(tail.columns(raw['output'], columns - 4 * BINS, columns, 2), order, kept,
                     4 * BINS)
    append_distances(tail, bins, tail.columns(cells, 0, 2, 2), tail.columns(cells, 2, 3, 2), kept,
                     BINS)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds, shift: float = 0.0
           ) -> Detections:
    """
    Decode scores, and the distances of the sides from a point of the cell.

    :param shift: place of the point in its cell, 0 to 1.
    """
    raw = one_output(outputs, 'columns of classes + 32', lambda shape: shape[2] > 4 * BINS)
    counts = cell_counts(letterbox.network_size_wh)
    if len(raw) not in counts:
        raise NetworkOutputError(f'the network returns {len(raw)} rows, expected one for each of '
                                 f'{sorted(counts)} cells: rebuild the engine')
    chosen, scores, class_ids = best_of(raw[:, :-4 * BINS], thresholds)
    cells = cell_table(letterbox.network_size_wh, counts[len(raw)])[chosen]
    boxes = boxes_of(raw[chosen, -4 * BINS:], (cells[:, :2] + np.float32(shift)) * cells[:, 2:],
                     cells[:, 2:])
    return detections(boxes, scores, class_ids, letterbox, thresholds, suppress=True)


_READ_ROW = MEAN_BIN + """
__device__ void read_row(Reader& in, int row, Row& found) {
  Cell cell = cell_of(row);
  auto value = [&](int column) { return output(in, row * output_2 + column); };
  for (int label = 0; label < CLASSES; ++label) offer(found, value(label), label);
  from_distances(found, value, CLASSES, (cell.x + HALVES * 0.5f) * cell.stride,
                 (cell.y + HALVES * 0.5f) * cell.stride, cell.stride);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    _, rows, columns = network.shapes['output']
    cells = cell_code(network.size_wh, cell_counts(network.size_wh)[rows])
    return DeviceCode(cells + _READ_ROW, rows, UPRIGHT_NMS, {
        'BINS': BINS, 'CLASSES': columns - 4 * BINS,
        'HALVES': round(2 * network.options['shift'])})


HEAD = Head('nanodet', ('detect',), 'candidates', 'one output [1, cells, classes + 32]',
            'NanoDet, NanoDet-Plus', read, append, decode, needs='labels', on_device=on_device)
