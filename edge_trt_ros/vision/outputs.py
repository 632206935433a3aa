"""
The outputs of a network, checked before they are decoded.

Values that are not finite are an error: a NaN means a broken engine or a precision that
overflows, and an empty list of detections would hide it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError

Outputs = Mapping[str, NDArray[Any]]
# Larger outputs of a fused network are covered by its checksum.
_READ_AGAIN = 1 << 16


def check_finite(name: str, values: NDArray[Any]) -> None:
    """
    Reject values that are not finite.

    :param name: of the output, for the message.
    :param values: numbers of any shape; not modified.
    :raises NetworkOutputError: naming the output and how many of its values are bad.
    """
    # The sum is finite only if every value is, and costs a fifth of testing each.
    with np.errstate(invalid='ignore'):  # opposite infinities, reported below
        total = values.sum(dtype=np.float64)
    if np.isfinite(total):
        return
    bad = int(values.size - np.isfinite(values).sum())
    raise NetworkOutputError(
        f"{bad} of {values.size} values of the network's output '{name}' are NaN or infinite: the "
        'engine is broken or its precision overflows; rebuild it in fp32 and compare')


def only_output(outputs: Outputs, dimensions: int) -> NDArray[np.float32]:
    """
    Return the only output of one image, float32 and finite, [1, ...].

    :param outputs: by name.
    :param dimensions: how many dimensions it has.
    :raises NetworkOutputError: if it is not that.
    """
    raw = next(iter(outputs.values())) if len(outputs) == 1 else None
    if raw is None or raw.ndim != dimensions or raw.shape[0] != 1:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network returns {shapes}, expected one output of one image '
                                 f'with {dimensions} dimensions: rebuild the engine')
    # Widened first: NumPy is slow to sum float16, and NaN and infinity stay what they are.
    single: NDArray[np.float32] = raw.astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), single)
    return single


def named_outputs(outputs: Outputs, **dimensions: int) -> Outputs:
    """
    Return the outputs of one image by name; those that are floating point are finite.

    :param outputs: by name.
    :param dimensions: how many dimensions each of them has.
    :raises NetworkOutputError: if one is missing, has another shape or is not finite.
    """
    fits = set(dimensions) <= set(outputs) and all(
        outputs[name].ndim == count and outputs[name].shape[0] == 1
        for name, count in dimensions.items())
    if not fits:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network returns {shapes}, expected of one image '
                                 f"{', '.join(dimensions)}: rebuild the engine")
    for name in dimensions:
        values: NDArray[Any] = outputs[name]
        if values.dtype.kind == 'f' and (values.size <= _READ_AGAIN or 'checksum' not in outputs):
            check_finite(name, values)
    return outputs
