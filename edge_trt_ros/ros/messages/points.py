# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Converts points to point clouds."""

from __future__ import annotations

import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import Header

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm, probe_header

_NUMBER_BYTES = 4


def points_message(points: NDArray[np.float32], header: Header, names: Sequence[str]
                   ) -> PointCloud2:
    """
    Return points as an organised point cloud.

    :param points: float32 (rows, columns, numbers).
    :param header: header of the message.
    :param names: name of each number of a point.
    """
    rows, columns, numbers = points.shape
    data = array.array('B')
    data.frombytes(np.ascontiguousarray(points, '<f4').tobytes())
    return PointCloud2(
        header=header, height=rows, width=columns, is_bigendian=False,
        point_step=_NUMBER_BYTES * numbers, row_step=_NUMBER_BYTES * numbers * columns,
        is_dense=True, data=data, fields=[
            PointField(name=name, offset=_NUMBER_BYTES * index, datatype=PointField.FLOAT32,
                       count=1) for index, name in enumerate(names)])


def points_cdr(points: NDArray[np.float32], header: Header, names: Sequence[str]) -> bytes:
    """Return points as the bytes of a message; same arguments as `points_message`."""
    rows, columns, numbers = points.shape
    writer = CdrWriter()
    writer.header(header)
    writer.numbers('I', rows, columns, len(names))
    for index, name in enumerate(names):
        writer.text(name)
        writer.numbers('I', _NUMBER_BYTES * index)
        writer.numbers('B', PointField.FLOAT32)
        writer.numbers('I', 1)
    writer.numbers('B', False)
    writer.numbers('I', _NUMBER_BYTES * numbers, _NUMBER_BYTES * numbers * columns)
    writer.sequence(np.ascontiguousarray(points, '<f4').reshape(-1).view(np.uint8))
    writer.numbers('B', True)
    return writer.message()


POINTS = MessageForm(PointCloud2, points_message, points_cdr, (
    np.arange(12, dtype=np.float32).reshape(2, 2, 3), probe_header(), ('x', 'y', 'score')))
