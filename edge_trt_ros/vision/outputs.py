# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Checks the outputs of a network before they are decoded.

Values that are not finite are an error: NaN means a broken engine or a precision that
overflows, and an empty list of detections would hide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError

Outputs = Mapping[str, NDArray[Any]]
# The checksum of a fused network covers its outputs with more values than this.
_MAX_CHECKED_VALUES = 1 << 16


def check_finite(name: str, values: NDArray[Any]) -> None:
    """
    Reject values that are not finite.

    :param name: name of the output, for the message.
    :param values: numbers of any shape; not modified.
    :raises NetworkOutputError: names the output and counts its values that are not finite.
    """
    # The sum is finite only if every value is; it costs a fifth of testing every value.
    with np.errstate(invalid='ignore'):  # opposite infinities, reported below
        total = values.sum(dtype=np.float64)
    if np.isfinite(total):
        return
    bad = int(values.size - np.isfinite(values).sum())
    raise NetworkOutputError(
        f"{bad} of {values.size} values of the network's output '{name}' are NaN or infinite: the "
        'engine is broken or its precision overflows; rebuild it in fp32 and compare')


def check_not_nan(name: str, values: NDArray[Any]) -> None:
    """
    Reject NaN, but not infinity.

    :param name: name of the output, for the message.
    :param values: numbers of any shape; not modified.
    :raises NetworkOutputError: names the output and counts its values that are NaN.
    """
    bad = int(np.isnan(values).sum())
    if bad:
        raise NetworkOutputError(
            f"{bad} of {values.size} values of the network's output '{name}' are NaN: the engine "
            'is broken or its precision overflows; rebuild it in fp32 and compare')


def only_output(outputs: Outputs, dimensions: int) -> NDArray[np.float32]:
    """
    Return the only output of one image as float32 [1, ...]; all its values are finite.

    :param outputs: outputs by name.
    :param dimensions: expected number of dimensions.
    :raises NetworkOutputError: if there are several outputs, the shape differs or a value is not
        finite.
    """
    raw = next(iter(outputs.values())) if len(outputs) == 1 else None
    if raw is None or raw.ndim != dimensions or raw.shape[0] != 1:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network returns {shapes}, expected one output of one image '
                                 f'with {dimensions} dimensions: rebuild the engine')
    # Convert before summing: NumPy sums float16 slowly. NaN and infinity are preserved.
    single: NDArray[np.float32] = raw.astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), single)
    return single


def named_outputs(outputs: Outputs, **dimensions: int) -> Outputs:
    """
    Return the outputs of one image by name; floating-point outputs are checked to be finite.

    :param outputs: outputs by name.
    :param dimensions: expected number of dimensions of each output.
    :raises NetworkOutputError: if an output is missing, has another shape or is not finite.
    """
    fits = set(dimensions) <= set(outputs) and all(
        outputs[name].ndim == count and outputs[name].shape[0] == 1
        for name, count in dimensions.items())
    if not fits:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network returns {shapes}, expected for one image '
                                 f"{', '.join(dimensions)}: rebuild the engine")
    for name in dimensions:
        values: NDArray[Any] = outputs[name]
        if values.dtype.kind == 'f' and (
                values.size <= _MAX_CHECKED_VALUES or 'checksum' not in outputs):
            check_finite(name, values)
    return outputs
