# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Faults of the kernels that decode a head on a GPU: the code of each row is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType

from edge_trt_ros.heads import HEADS
from edge_trt_ros.heads.device import DeviceCode, DeviceNetwork

# CUDA statements that follow the head's own code of a row; `runtime/cuda/head.cu` has the fields.
ROW_FAULTS: Mapping[str, str] = MappingProxyType({
    'head shifts boxes by 8 px':
        'found.x1 += 8; found.x2 += 8; found.y1 += 8; found.y2 += 8;',
    'head scales boxes by 1.05':
        'const float wide = 0.025f * (found.x2 - found.x1), high = 0.025f * (found.y2 - found.y1);'
        ' found.x1 -= wide; found.x2 += wide; found.y1 -= high; found.y2 += high;',
    'head multiplies scores by 0.9': 'found.score *= 0.9f;',
    'head permutes classes': 'found.label = (found.label + 1) % LABELS;',
    'head skips every fourth row': 'if (row % 4 == 0) found.score = 0;'})
ORIENTED_FAULTS: Mapping[str, str] = MappingProxyType({
    'head turns boxes by 5 degrees': 'found.angle += 0.0873f;'})
_WITHOUT_NMS = 'head suppresses nothing'
_EXTRAS = 'head mixes up keypoints or masks'


def faults_of_head(head: str, task: str) -> list[str]:
    """Return the faults that the kernels of a head can have."""
    if HEADS[head].on_device is None:
        return []
    return [*ROW_FAULTS, _WITHOUT_NMS, *(ORIENTED_FAULTS if task == 'obb' else ()),
            *([_EXTRAS] if task in ('pose', 'segment') else ())]


@contextmanager
def faulty_head(name: str, fault: str) -> Iterator[None]:
    """
    Plant a fault into the kernels of a head, in this process.

    :param name: a key of `heads.HEADS` whose head has kernels.
    :param fault: one of `faults_of_head`.
    """
    head = HEADS[name]
    on_device = head.on_device
    if on_device is None:
        raise ValueError(f"the head '{name}' has no kernels")

    def write(network: DeviceNetwork) -> DeviceCode:
        return _faulty(on_device(network), fault)
    HEADS[name] = replace(head, on_device=write)
    try:
        yield
    finally:
        HEADS[name] = head


def _faulty(code: DeviceCode, fault: str) -> DeviceCode:
    if fault == _WITHOUT_NMS:
        return replace(code, suppress=0)
    if fault == _EXTRAS:
        return replace(code, read_row=_renamed(code.read_row, 'extra') + (
            '__device__ float extra(Reader& in, int row, int index) {\n'
            '  return true_extra(in, row, (index + EXTRAS / 2) % EXTRAS);\n}\n'))
    statements = {**ROW_FAULTS, **ORIENTED_FAULTS}[fault]
    return replace(code, read_row=_renamed(code.read_row, 'read_row') + (
        '__device__ void read_row(Reader& in, int row, Row& found) {\n'
        f'  true_read_row(in, row, found);\n  {statements}\n}}\n'))


def _renamed(code: str, function: str) -> str:
    return f'#define {function} true_{function}\n{code}\n#undef {function}\n'
