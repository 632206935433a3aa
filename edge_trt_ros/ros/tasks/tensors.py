# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task tensors: `tensors`, one message for each output; Float32MultiArray has no header."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Float32MultiArray, Header, MultiArrayDimension, MultiArrayLayout

from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask
from edge_trt_ros.vision.tasks.tensors import RawTensors
from edge_trt_ros.vision.tracking import TrackIds


def publish(publishers: Publishers, result: RawTensors, header: Header, style: MessageStyle,
            tracks: TrackIds | None) -> None:
    """Publish each output."""
    for name, values in result.by_name.items():
        publishers['tensors'].publish(tensor_message(name, values))


def tensor_message(name: str, values: NDArray[np.float32]) -> Float32MultiArray:
    """
    Return an output of a network as a message.

    :param name: the output's name; the label of dimension i is `<name>/<i>`.
    :param values: float32 of any shape.
    """
    strides = np.cumprod((*values.shape, 1)[::-1])[::-1].tolist()
    message = Float32MultiArray(layout=MultiArrayLayout(dim=[
        MultiArrayDimension(label=f'{name}/{axis}', size=size, stride=strides[axis])
        for axis, size in enumerate(values.shape)]))
    message.data = values.ravel().tolist()
    return message


TASK = RosTask('tensors', {'tensors': Float32MultiArray}, publish)
