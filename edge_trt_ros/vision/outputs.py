"""The outputs of a network, checked before anything is made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import NetworkOutputError
from edge_trt_ros.vision.postprocess import check_finite, Outputs

# Larger outputs of a fused network are vouched for by its checksum.
_READ_AGAIN = 1 << 16


def only_output(outputs: Outputs, dimensions: int) -> NDArray[np.float32]:
    """
    Return the one output of one image, float32 and finite.

    :raises NetworkOutputError: if it is not that.
    """
    raw = next(iter(outputs.values())) if len(outputs) == 1 else None
    if raw is None or raw.ndim != dimensions or raw.shape[0] != 1:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network gives {shapes}, expected one output of one image '
                                 f'with {dimensions} dimensions: rebuild the engine')
    single: NDArray[np.float32] = raw.astype(np.float32, copy=False)
    check_finite(next(iter(outputs)), single)
    return single


def named_outputs(outputs: Outputs, **dimensions: int) -> Outputs:
    """
    Return the outputs of one image by name; those that are floating point are finite.

    :param dimensions: how many dimensions each of them has.
    :raises NetworkOutputError: if one is missing, of another shape or not finite.
    """
    fits = set(dimensions) <= set(outputs) and all(
        outputs[name].ndim == count and outputs[name].shape[0] == 1
        for name, count in dimensions.items())
    if not fits:
        shapes = {name: values.shape for name, values in outputs.items()}
        raise NetworkOutputError(f'the network gives {shapes}, expected of one image '
                                 f"{', '.join(dimensions)}: rebuild the engine")
    for name in dimensions:
        values: NDArray[Any] = outputs[name]
        if values.dtype.kind == 'f' and (values.size <= _READ_AGAIN or 'checksum' not in outputs):
            check_finite(name, values)
    return outputs
