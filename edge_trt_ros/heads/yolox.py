# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""YOLOX without decoding: [1, cells, 5 + classes], boxes as offsets in their cells."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.heads.appending import append_best, append_corners
from edge_trt_ros.heads.decoding import best_of, detections, one_output
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.grids import cell_code, cell_counts, cell_table
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.boxes import xywh_to_xyxy
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

YOLOX_PIXELS = {'color_order': 'bgr', 'scale': 1.0, 'fit': 'top_left'}
# If only these operators compute the boxes, they are offsets: decoding would add and multiply.
RAW_MAKERS = {'Conv', 'Sigmoid'}


def read(network: Network) -> list[Reading]:
    """Return the reading of a network whose boxes are computed directly by convolutions."""
    output = only_output(network)
    if output is None or output.shape[2] <= 5 or network.metadata.get('end2end') == 'True' \
            or output.shape[1] not in cell_counts(network.size_wh):
        return []
    makers = network.makers([output.name])
    if 'Conv' not in makers or not makers <= RAW_MAKERS:
        return []
    return [Reading(output.shape[2] - 5, output.shape[1], {'output': output}, YOLOX_PIXELS,
                    needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    output, (_, count, columns) = raw['output'], found.shape()
    table = cell_table(size_wh, cell_counts(size_wh)[count])
    scores = tail.node('Mul', [tail.columns(output, 5, columns, 2),
                               tail.columns(output, 4, 5, 2)])
    order = append_best(tail, scores, kept)
    boxes = tail.rows(tail.columns(output, 0, 4, 2), order, kept, 4)
    cells = tail.rows(tail.constant(table[None]), order, kept, 3)
    stride = tail.columns(cells, 2, 3, 2)
    centre = tail.node('Add', [tail.columns(boxes, 0, 2, 2), tail.columns(cells, 0, 2, 2)])
    size = tail.node('Exp', [tail.columns(boxes, 2, 4, 2)])
    append_corners(tail, tail.node('Concat', [tail.node('Mul', [part, stride])
                                              for part in (centre, size)], axis=2))


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """
    Decode offsets, objectness and classes.

    Centre = (xy + cell) * stride and size = exp(wh) * stride: arXiv 2107.08430, section 2.1.
    """
    raw = one_output(outputs, 'columns of 5 + classes', lambda shape: shape[2] > 5)
    counts = cell_counts(letterbox.network_size_wh)
    if len(raw) not in counts:
        raise NetworkOutputError(f'the network returns {len(raw)} rows, expected one for each of '
                                 f'{sorted(counts)} cells: rebuild the engine')
    chosen, scores, class_ids = best_of(raw[:, 5:] * raw[:, 4:5], thresholds)
    cells = cell_table(letterbox.network_size_wh, counts[len(raw)])[chosen]
    boxes = np.concatenate([(raw[chosen, :2] + cells[:, :2]) * cells[:, 2:],
                            np.exp(raw[chosen, 2:4]) * cells[:, 2:]], 1)
    return detections(xywh_to_xyxy(boxes), scores, class_ids, letterbox, thresholds,
                      suppress=True)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  Cell cell = cell_of(row);
  int at = row * output_2;
  float object = output(in, at + 4);
  for (int label = 0; label < output_2 - 5; ++label)
    offer(found, output(in, at + 5 + label) * object, label);
  from_centre(found, (output(in, at) + cell.x) * cell.stride,
              (output(in, at + 1) + cell.y) * cell.stride,
              expf(output(in, at + 2)) * cell.stride, expf(output(in, at + 3)) * cell.stride);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    rows = network.shapes['output'][1]
    cells = cell_code(network.size_wh, cell_counts(network.size_wh)[rows])
    return DeviceCode(cells + _READ_ROW, rows, UPRIGHT_NMS)


HEAD = Head('yolox', ('detect',), 'candidates', 'one output [1, cells, 5 + classes] of offsets',
            'YOLOX without decoding', read, append, decode, needs='labels', on_device=on_device)
