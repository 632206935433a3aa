# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
CenterNet: [1, K, 6], corners in cells of its heat map, score and class.

Its peaks are found in the graph: a sigmoid, and a maximum over the neighbours.
"""

from __future__ import annotations

from typing import Any

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads import yolo_end_to_end
from edge_trt_ros.heads.appending import append_final
from edge_trt_ros.heads.box_units import MAX_BOXES
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork, NO_NMS
from edge_trt_ros.heads.head import Head, Network, only_output, Raw, Reading, RecognisedHead, Tail
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.outputs import only_output as only_array, Outputs
from edge_trt_ros.vision.thresholds import Thresholds

# Pixels in a cell of the heat map.
_STRIDE = 4
# A box of a random picture exceeds the heat map a little, where an object leaves the image.
_LARGEST_SHARE = 1.5
_PIXELS: dict[str, Any] = {'color_order': 'bgr', 'mean': (0.408, 0.447, 0.470),
                           'std': (0.289, 0.274, 0.278), 'pad_value': 0}


def read(network: Network) -> list[Reading]:
    """
    Return the reading of a network with rows of six that come from peaks.

    :raises ModelError: if the boxes are larger than the heat map, so their unit is unknown.
    """
    output = only_output(network)
    if output is None or output.shape[2] != 6 or output.shape[1] > MAX_BOXES \
            or not network.finds_peaks():
        return []
    largest = network.largest(output.name, 4)
    if largest > _LARGEST_SHARE * max(network.size_wh) / _STRIDE:
        raise ModelError(f'rows of {output} come from peaks as in CenterNet, but start with boxes '
                         f'of up to {largest:.3g}, expected cells of {_STRIDE} pixels: export it '
                         'without scaling', code='head_ambiguous')
    return [Reading(0, output.shape[1], {'output': output}, _PIXELS, needs_labels=True)]


def append(tail: Tail, found: RecognisedHead, raw: Raw, size_wh: tuple[int, int], kept: int
           ) -> None:
    """Append the decoding."""
    scores, classes = (tail.node('Squeeze', [
        tail.columns(raw['output'], column, column + 1, 2), tail.ints(2)]) for column in (4, 5))
    boxes = tail.node('Mul', [tail.columns(raw['output'], 0, 4, 2), tail.floats(float(_STRIDE))])
    append_final(tail, boxes, scores, classes, kept)


def decode(outputs: Outputs, letterbox: Letterbox, thresholds: Thresholds) -> Detections:
    """Decode corners in cells, score and class."""
    raw = only_array(outputs, 3).copy()
    raw[..., :4] *= _STRIDE
    return yolo_end_to_end.decode({'output': raw}, letterbox, thresholds)


_READ_ROW = """
__device__ void read_row(Reader& in, int row, Row& found) {
  found.x1 = output(in, row * 6) * STRIDE; found.y1 = output(in, row * 6 + 1) * STRIDE;
  found.x2 = output(in, row * 6 + 2) * STRIDE; found.y2 = output(in, row * 6 + 3) * STRIDE;
  found.score = output(in, row * 6 + 4); found.label = (int)output(in, row * 6 + 5);
}
"""


def on_device(network: DeviceNetwork) -> DeviceCode:
    """Return the CUDA code of the decoding."""
    return DeviceCode(_READ_ROW, network.shapes['output'][1], NO_NMS, {'STRIDE': _STRIDE})


HEAD = Head('centernet', ('detect',), 'candidates_final',
            'one output [1, K, 6] of cells, after peaks of a heat map', 'CenterNet', read, append,
            decode, needs='labels', on_device=on_device)
