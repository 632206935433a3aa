# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""PicoDet without decoding: scores and distributions of distances, an output for each grid."""

from __future__ import annotations

import numpy as np

from edge_trt_ros.heads.appending import append_best
from edge_trt_ros.heads.decoding import best_of, detections, finite_outputs
from edge_trt_ros.heads.detr import IMAGENET
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, UPRIGHT_NMS
from edge_trt_ros.heads.distances import append_distances, boxes_of, MEAN_BIN
from edge_trt_ros.heads.grids import cell_table
from edge_trt_ros.heads.head import (FLOATS, Head, is_fixed, Network, Raw, Reading, RecognisedHead,
                                     Tail)
from edge_trt_ros.tensor_spec import TensorSpec
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import Outputs
from edge_trt_ros.vision.thresholds import Thresholds

BINS = 8
STRIDES = (8, 16, 32, 64)
_PIXELS = {**IMAGENET, 'fit': 'squash'}


def _grids(network: Network, outputs: list[TensorSpec]) -> list[TensorSpec]:
    """Return the outputs in the order of the strides; empty unless there is one for each."""
    width, height = network.size_wh
    cells = [-(-width // stride) * -(-height // stride) for stride in STRIDES]
    by_cells = {output.shape[1]: output for output in outputs}
    return [by_cells[count] for count in cells] if sorted(by_cells) == sorted(cells) \
        and len(outputs) == len(STRIDES) and len({output.shape[2] for output in outputs}) == 1 \
        else []


def read(network: Network) -> list[Reading]:
    """Return the reading of a network with two outputs for each of four grids."""
    if not all(is_fixed(output, FLOATS, 3) for output in network.outputs) \
            or len(network.outputs) != 2 * len(STRIDES):
        return []
    ends = {output.name: network.makers([output.name]) == {'Sigmoid'}
            for output in network.outputs}
    scores = _grids(network, [output for output in network.outputs if ends[output.name]])
    bins = _grids(network, [output for output in network.outputs if not ends[output.name]])
    if not scores or not bins or bins[0].shape[2] != 4 * BINS:
        return []
    roles = {f'scores_{index}': output for index, output in enumerate(scores)}
    roles |= {f'bins_{index}': output for index, output in enumerate(bins)}
    return [Reading(scores[0].shape[2], sum(output.shape[1] for output in scores), roles,
                    _PIXELS)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    scores, bins = (tail.node('Concat', [raw[f'{role}_{index}'] for index in range(len(STRIDES))],
                              axis=1) for role in ('scores', 'bins'))
    order = append_best(tail, scores, kept)
    table = cell_table(size_wh, STRIDES).copy()
    table[:, :2] = (table[:, :2] + 0.5) * table[:, 2:]
    cells = tail.rows(tail.constant(table[None]), order, kept, 3)
    append_distances(tail, tail.rows(bins, order, kept, 4 * BINS), tail.columns(cells, 0, 2, 2),
                     tail.columns(cells, 2, 3, 2), kept, BINS)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode scores, and the distances of the sides from the centre of the cell."""
    scores, bins = (np.concatenate(finite_outputs(outputs, *(
        f'{role}_{index}' for index in range(len(STRIDES))))) for role in ('scores', 'bins'))
    chosen, best, class_ids = best_of(scores, thresholds)
    cells = cell_table(letterbox.network_size_wh, STRIDES)[chosen]
    boxes = boxes_of(bins[chosen], (cells[:, :2] + np.float32(0.5)) * cells[:, 2:], cells[:, 2:])
    return detections(boxes, best, class_ids, letterbox, thresholds, suppress=True)


_READ_CELL = MEAN_BIN + """
template <class Scores, class Bins>
__device__ void read_cell(Scores score, Bins bin, int cell, int columns, float stride,
                          Row& found) {
  for (int label = 0; label < CLASSES; ++label) offer(found, score(label), label);
  from_distances(found, bin, 0, (cell % columns + 0.5f) * stride,
                 (cell / columns + 0.5f) * stride, stride);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding; each grid has its own branch."""
    body, rows = '', 0
    for index, stride in enumerate(STRIDES):
        _, count, classes = network.shapes[f'scores_{index}']
        body += (f'  if (row < {count}) return read_cell('
                 f'[&](int at) {{ return scores_{index}(in, row * {classes} + at); }}, '
                 f'[&](int at) {{ return bins_{index}(in, row * {4 * BINS} + at); }}, row, '
                 f'{-(-network.size_wh[0] // stride)}, {stride}, found);\n  row -= {count};\n')
        rows += count
    code = f'__device__ void read_row(Reader& in, int row, Row& found) {{\n{body}}}\n'
    return DeviceCode(_READ_CELL + code, rows, UPRIGHT_NMS, {'BINS': BINS, 'CLASSES': classes})


HEAD = Head('picodet', ('detect',), 'candidates',
            '4 outputs [1, cells, classes] of sigmoids and 4 outputs [1, cells, 32]',
            'PicoDet without its decoding', read, append, decode, on_device=on_device)
