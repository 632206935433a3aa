# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The two readings of rows [1, boxes, 6 or more] that start with a box, a score and a class.

The box is two corners in pixels, or a centre and a size as fractions of the input. Both have the
same shape. The metadata, the operators or the values themselves tell which; if nothing tells, the
network is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_trt_ros.errors import ModelError
from edge_trt_ros.heads.grids import ANCHORS_A_CELL, cell_counts
from edge_trt_ros.heads.head import FLOATS, is_fixed, Network, only_output
from edge_trt_ros.tensor_spec import TensorSpec

MAX_BOXES = 1000
# The trainers of DETR families stretch images to the input's size.
STRETCHED: Mapping[str, Any] = {'fit': 'squash'}
# Fractions can exceed 1 a little, where a box leaves the image.
_LARGEST_FRACTION = 2.0


def rows_of_six(network: Network) -> TensorSpec | None:
    """Return the only output if its rows of six are not anchors of known grids, else None."""
    output = only_output(network)
    if output is None or output.shape[2] != 6 or network.makers([output.name]) == {'Sigmoid'}:
        return None
    cells = cell_counts(network.size_wh)
    anchors = set(cells) | {ANCHORS_A_CELL * count for count in cells}
    if network.metadata.get('end2end') != 'True' and (
            output.shape[1] > MAX_BOXES or output.shape[1] in anchors):
        return None
    return output


def final_rows(network: Network, more: int) -> TensorSpec | None:
    """
    Return the first output if it has rows of a box, a score, a class and more, else None.

    :param network: the network.
    :param more: number of values after the class.
    """
    output = network.outputs[0] if network.outputs else None
    if output is None or not is_fixed(output, FLOATS, 3) or output.shape[2] != 6 + more \
            or output.shape[1] > MAX_BOXES or output.shape[2] in cell_counts(network.size_wh):
        return None
    return output


def are_fractions(network: Network, output: TensorSpec) -> bool:
    """
    Return whether rows start with a centre and a size as fractions, instead of corners in pixels.

    :param network: the network.
    :param output: its output.
    :raises ModelError: if neither metadata nor operators nor values tell.
    """
    if network.metadata.get('head'):
        return network.metadata['head'] == 'RTDETRDecoder'
    boxes = network.concatenated(output.name)[:1]
    if network.makers(boxes) == {'Sigmoid'}:
        return True
    if network.metadata.get('end2end') == 'True' or network.has_operator('NonMaxSuppression'):
        return False
    largest = network.largest(output.name, 4)
    if 0 < largest <= _LARGEST_FRACTION:
        raise ModelError(
            f'rows of {output} start with boxes of at most {largest:.3g}, expected corners in '
            'pixels, or centre and size that end in a sigmoid: export it with boxes in pixels',
            code='head_ambiguous')
    return False
