# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Name, dtype and shape of a network's inputs and outputs."""

from __future__ import annotations

from dataclasses import dataclass
import math

from edge_trt_ros.errors import ManifestError, ModelError

_ITEM_BYTES = {'float32': 4, 'float16': 2, 'bfloat16': 2, 'uint8': 1, 'int8': 1, 'int32': 4,
               'int64': 8, 'bool': 1}
DTYPES = tuple(_ITEM_BYTES)
# Of one tensor: no network that runs on a robot has a larger input or output.
MAX_TENSOR_BYTES = 1 << 31


@dataclass(frozen=True)
class TensorSpec:
    """
    Name, dtype and shape of one tensor.

    :param name: name of the tensor in the network.
    :param dtype: a name in `DTYPES`.
    :param shape: lengths, outermost dimension first; -1 for a dynamic dimension.
    :raises ModelError: for a dtype or a length that no back end supports.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise ModelError(
                f"tensor '{self.name}' has dtype {self.dtype}; supported are {', '.join(DTYPES)}")
        if any(length < 1 and length != -1 for length in self.shape):
            raise ModelError(
                f"tensor '{self.name}' has shape {list(self.shape)}; lengths are at least 1, "
                'or -1 for a dynamic dimension')

    @property
    def size_bytes(self) -> int:
        """Size of the tensor in bytes; valid only without dynamic dimensions."""
        return math.prod(self.shape) * _ITEM_BYTES[self.dtype]

    def __str__(self) -> str:
        return f'{self.name} {self.dtype}{list(self.shape)}'


def check_size_bytes(spec: TensorSpec) -> None:
    """
    Reject a tensor that is too large, before it is allocated.

    :param spec: a tensor without open lengths.
    :raises ManifestError: names the tensor, its size and the maximum.
    """
    if spec.size_bytes > MAX_TENSOR_BYTES:
        raise ManifestError(f'the tensor {spec} has {spec.size_bytes} bytes, expected at most '
                            f'{MAX_TENSOR_BYTES}: rebuild the engine')
