# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
How a GPU decodes a head: CUDA code for one row, and what the host does with the detections.

The GPU runtime compiles the code for each network; `runtime/cuda/head.cu` documents what it can
use. The NumPy decoder of the head is its reference: both return the same detections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.letterbox import Letterbox

# Values of `DeviceCode.suppress`.
NO_NMS, UPRIGHT_NMS, ORIENTED_NMS = 0, 1, 2


@dataclass(frozen=True)
class DeviceNetwork:
    """
    The network that code is written for.

    :param shapes: shape of each output by role.
    :param size_wh: width and height of the network's input in pixels.
    :param labels: number of classes.
    :param options: options of the head's decoder.
    """

    shapes: Mapping[str, tuple[int, ...]]
    size_wh: tuple[int, int]
    labels: int
    options: Mapping[str, Any]


def only_detections(found: Detections, extras: NDArray[Any], outputs: Mapping[str, NDArray[Any]],
                    letterbox: Letterbox, options: Mapping[str, Any]) -> Detections:
    """Return the detections: this head has nothing besides boxes."""
    return found


@dataclass(frozen=True)
class DeviceCode:
    """
    CUDA code that decodes the rows of one network.

    :param read_row: CUDA code that defines `void read_row(Reader& in, int row, Row& found)`. It
        must read every value of the row, so that values that are not finite are counted.
    :param rows: number of rows.
    :param suppress: whether boxes that overlap are dropped: NO_NMS, UPRIGHT_NMS or ORIENTED_NMS.
    :param constants: further constants of the code by name.
    :param extras: number of further values for each detection; if not 0, the code also defines
        `float extra(Reader& in, int row, int index)`.
    :param to_host: roles of the outputs that `finish` reads.
    :param finish: returns the task's result, given (detections, extras float32 (n, `extras`),
        outputs by role, letterbox, options).
    """

    read_row: str
    rows: int
    suppress: int
    constants: Mapping[str, int] = field(default_factory=dict)
    extras: int = 0
    to_host: tuple[str, ...] = ()
    finish: Callable[..., Any] = only_detections


WriteCode = Callable[[DeviceNetwork], DeviceCode]

# [1, 4 + classes + more, rows]: centre and size, a score per class.
_DENSE = """
__device__ void read_row(Reader& in, int row, Row& found) {
  for (int label = 0; label < CLASSES; ++label)
    offer(found, OUTPUT(in, (4 + label) * ROWS + row), label);
  from_centre(found, OUTPUT(in, row), OUTPUT(in, ROWS + row), OUTPUT(in, 2 * ROWS + row),
              OUTPUT(in, 3 * ROWS + row));
}
"""
_DENSE_EXTRA = """
__device__ float extra(Reader& in, int row, int index) {
  return OUTPUT(in, (4 + CLASSES + index) * ROWS + row);
}
"""


def dense_code(network: DeviceNetwork, role: str = 'output', *, extras: int = 0, **rest: Any
               ) -> DeviceCode:
    """
    Return the code for an output [1, 4 + classes + extras, rows].

    :param network: the network.
    :param role: role of the output.
    :param extras: number of values after the classes.
    :param rest: further fields of `DeviceCode`.
    :raises ValueError: if no class is left.
    """
    _, columns, rows = network.shapes[role]
    if columns - 4 - extras < 1:
        raise ValueError(f'{columns} values a row leave no class besides {extras} others')
    code = (_DENSE + (_DENSE_EXTRA if extras else '')).replace('OUTPUT(', f'{role}(')
    return DeviceCode(code, rows, UPRIGHT_NMS, {'CLASSES': columns - 4 - extras}, extras, **rest)
