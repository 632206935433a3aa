# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task tensors: `tensors`, one message for each output; Float32MultiArray has no header."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Float32MultiArray, Header, MultiArrayDimension, MultiArrayLayout

from edge_trt_ros.ros.messages.cdr import CdrWriter
from edge_trt_ros.ros.messages.form import MessageForm
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen
from edge_trt_ros.vision.tasks.tensors import RawTensors


def publish(publishers: Publishers, result: RawTensors, header: Header, style: MessageStyle,
            seen: Seen) -> None:
    """Publish each output."""
    for name, values in result.by_name.items():
        publishers['tensors'].publish(name, np.atleast_1d(values))


def tensor_message(name: str, values: NDArray[Any]) -> Float32MultiArray:
    """
    Return an output of a network as a message.

    :param name: the output's name; the label of dimension i is `<name>/<i>`.
    :param values: numbers of at least one dimension; published as float32.
    """
    message = Float32MultiArray(layout=MultiArrayLayout(dim=[
        MultiArrayDimension(label=f'{name}/{axis}', size=size, stride=stride)
        for axis, (size, stride) in enumerate(zip(values.shape, _strides(values)))]))
    message.data = values.ravel().astype(np.float32).tolist()
    return message


def tensor_cdr(name: str, values: NDArray[Any]) -> bytes:
    """Return an output of a network as the bytes of a message; arguments of `tensor_message`."""
    writer = CdrWriter()
    writer.numbers('I', values.ndim)
    for axis, (size, stride) in enumerate(zip(values.shape, _strides(values))):
        writer.text(f'{name}/{axis}')
        writer.numbers('I', size, stride)
    writer.numbers('I', 0)
    writer.sequence(np.ascontiguousarray(values, np.float32).reshape(-1))
    return writer.message()


def _strides(values: NDArray[Any]) -> list[int]:
    strides: list[int] = np.cumprod((*values.shape, 1)[::-1])[::-1].tolist()
    return strides


TENSOR = MessageForm(Float32MultiArray, tensor_message, tensor_cdr, (
    'probe', np.arange(6, dtype=np.float32).reshape(2, 3)))
TASK = RosTask('tensors', {'tensors': TENSOR}, publish)
