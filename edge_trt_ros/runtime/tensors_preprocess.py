# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Copies the caller's tensors to the network's input tensors unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import TensorInput
from edge_trt_ros.runtime.samples import Sample, Tensors
from edge_trt_ros.vision.letterbox import Letterbox, NO_PICTURE


class TensorsPreprocess:
    """
    The preprocessing of a network that reads tensors (see `runtime.preprocess.Preprocess`).

    :param inputs: name, dtype and shape of each tensor.
    """

    def __init__(self, inputs: Sequence[TensorInput]) -> None:
        self._shapes = {spec.tensor: spec.fixed_shape for spec in inputs}
        self._dtypes = {spec.tensor: spec.dtype for spec in inputs}

    def fit(self, sample: Sample) -> Letterbox:
        """See `Preprocess.fit`."""
        sample = self._checked(sample)
        shapes = {name: values.shape for name, values in sample.by_name.items()}
        if shapes != self._shapes:
            raise ImageError(f'the network reads tensors {self._shapes}, but {sample} have '
                             f'{shapes}')
        return NO_PICTURE

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """See `Preprocess.fill`."""
        for name, values in self._checked(sample).by_name.items():
            if values.dtype != tensors[name].dtype:
                raise ImageError(f"tensor '{name}' has dtype {values.dtype}, the network reads "
                                 f'{tensors[name].dtype}')
            tensors[name][...] = values

    def blank(self) -> Tensors:
        """See `Preprocess.blank`."""
        return Tensors({name: np.zeros(shape, self._dtypes[name])
                        for name, shape in self._shapes.items()})

    @staticmethod
    def _checked(sample: Sample) -> Tensors:
        if not isinstance(sample, Tensors):
            raise ImageError(f'the network reads tensors, but the sample is {sample}')
        return sample
