# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Reads Float32MultiArray messages as the tensors of a network."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Float32MultiArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.tensor_spec import TensorSpec


def tensor_from_message(message: Float32MultiArray, spec: TensorSpec, topic: str) -> NDArray[Any]:
    """
    Return the values of a message as a tensor.

    :param message: the values in row-major order; its layout may be empty.
    :param spec: the input tensor.
    :param topic: topic of the message, for errors.
    :raises ImageError: if the number of values, the layout or a value does not fit.
    """
    values = np.asarray(message.data, np.float32)
    sizes = tuple(dim.size for dim in message.layout.dim)
    if values.size != prod(spec.shape) or message.layout.data_offset \
            or sizes and tuple(size for size in sizes if size != 1) != tuple(
                length for length in spec.shape if length != 1):
        raise ImageError(
            f'{topic} brings {values.size} values in the layout {list(sizes)}, expected the '
            f'{prod(spec.shape)} values of {spec} without an offset: correct its publisher',
            code='tensor_differs')
    if not np.isfinite(values).all():
        raise ImageError(f'{topic} brings {int((~np.isfinite(values)).sum())} values that are NaN '
                         'or infinite: correct its publisher', code='tensor_not_finite')
    with np.errstate(invalid='ignore', over='ignore'):
        cast = values.astype(spec.dtype).reshape(spec.shape)
    if not spec.dtype.startswith('float') and not np.array_equal(
            cast.ravel().astype(np.float32), values):
        raise ImageError(f'{topic} brings values that are no numbers of {spec.dtype}, as '
                         f'{spec.name} needs them: correct its publisher', code='tensor_differs')
    return cast
