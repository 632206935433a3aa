# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Inputs that are plain tensors: those that the caller provides, and states."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ManifestError


@dataclass(frozen=True)
class TensorInput:
    """
    A tensor that the caller provides; it is copied unchanged.

    :param tensor: name of the tensor.
    :param fixed_shape: shape of the tensor, outermost dimension first.
    :param dtype: dtype of the tensor, as 'float32'.
    """

    tensor: str
    fixed_shape: tuple[int, ...]
    dtype: str = 'float32'

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that this input fills."""
        return (self.tensor,)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtype that the tensor has."""
        return (self.dtype,)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor for one sample."""
        return self.fixed_shape

    def __str__(self) -> str:
        return f'tensor {self.tensor} {self.dtype}{list(self.fixed_shape)}'


@dataclass(frozen=True)
class StateInput:
    """
    A tensor that the network itself provides: an output becomes this input of the next run.

    :param tensor: name of the input tensor.
    :param fixed_shape: shape of the tensor, outermost dimension first.
    :param dtype: dtype of the tensor, as 'float32'.
    :param output: name of the output, which has the same shape and dtype.
    :param initial: the values of the first run, one for all or as many as the shape has.
    :raises ManifestError: for another number of initial values.
    """

    tensor: str
    fixed_shape: tuple[int, ...]
    dtype: str
    output: str
    initial: tuple[float, ...] = (0.0,)

    def __post_init__(self) -> None:
        if len(self.initial) not in (1, math.prod(self.fixed_shape)):
            raise ManifestError(f"the state '{self.tensor}' has {len(self.initial)} initial "
                                f'values for the shape {list(self.fixed_shape)}: rebuild the '
                                'engine')

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of the tensors that this input fills."""
        return (self.tensor,)

    @property
    def dtypes(self) -> tuple[str, ...]:
        """The dtype that the tensor has."""
        return (self.dtype,)

    def shape(self, tensor: str) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return self.fixed_shape

    def first(self) -> NDArray[Any]:
        """Return the values of the first run."""
        values = np.empty(self.fixed_shape, self.dtype)
        values[...] = self.initial[0] if len(self.initial) == 1 else np.reshape(
            self.initial, self.fixed_shape)
        return values

    def __str__(self) -> str:
        return (f'state {self.tensor} {self.dtype}{list(self.fixed_shape)}, fed back from '
                f'{self.output}')
