# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Copies the caller's tensors, and fits a picture beside them, into a network's input tensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.errors import ImageError
from edge_trt_ros.network_input import ImageInput, NetworkInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors
from edge_trt_ros.tensor_input import TensorInput
from edge_trt_ros.vision.letterbox import Letterbox, NO_PICTURE


class TensorsPreprocess:
    """
    The preprocessing of a network that reads tensors (see `runtime.preprocess.Preprocess`).

    A runtime provides the states itself.

    :param inputs: the network's inputs, among them at most one picture.
    """

    def __init__(self, inputs: Sequence[NetworkInput]) -> None:
        self._inputs = {kind.tensor: kind for kind in inputs if isinstance(kind, TensorInput)}
        pictures = [kind for kind in inputs if isinstance(kind, ImageInput)]
        self._picture = pictures[0].tensor if pictures else ''
        self._images = ImagePreprocess(pictures[0]) if pictures else None

    def fit(self, sample: Sample) -> Letterbox:
        """See `Preprocess.fit`."""
        sample = _checked(sample)
        wanted = {*self._inputs, *([self._picture] if self._picture else [])}
        if set(sample.by_name) != wanted:
            raise ImageError(f'the network reads the tensors {sorted(wanted)}, but {sample} are '
                             'given', code='tensor_differs')
        for name, spec in self._inputs.items():
            values = sample.by_name[name]
            if isinstance(values, Frame) or (values.dtype, values.shape) != (
                    np.dtype(spec.dtype), spec.fixed_shape):
                found = values if isinstance(values, Frame) else \
                    f'{values.dtype}{list(values.shape)}'
                raise ImageError(f"the network reads the {spec}, but '{name}' of {sample} is "
                                 f'{found}', code='tensor_differs')
            if values.dtype.kind == 'f' and not np.isfinite(values).all():
                bad = int(values.size - np.isfinite(values).sum())
                raise ImageError(f"{bad} of {values.size} values of '{name}' of {sample} are NaN "
                                 'or infinite: correct the publisher', code='tensor_not_finite')
        return self._images.fit(self._frame(sample)) if self._images else NO_PICTURE

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """See `Preprocess.fill`."""
        sample = _checked(sample)
        for name in self._inputs:
            tensors[name][...] = sample.by_name[name]
        if self._images is not None:
            self._images.fill(self._frame(sample), letterbox, tensors)

    def blank(self) -> Tensors:
        """See `Preprocess.blank`."""
        blank: dict[str, NDArray[Any] | Frame] = {
            name: np.zeros(spec.fixed_shape, spec.dtype) for name, spec in self._inputs.items()}
        if self._images is not None:
            blank[self._picture] = self._images.blank()
        return Tensors(blank, source='warm-up')

    def _frame(self, sample: Tensors) -> Frame:
        frame = sample.by_name[self._picture]
        if not isinstance(frame, Frame):
            raise ImageError(f"'{self._picture}' is a picture, but an array of "
                             f'{list(frame.shape)} is given', code='tensor_differs')
        return frame


def _checked(sample: Sample) -> Tensors:
    if not isinstance(sample, Tensors):
        raise ImageError(f'the network reads tensors, but the sample is {sample}',
                         code='tensor_differs')
    return sample
