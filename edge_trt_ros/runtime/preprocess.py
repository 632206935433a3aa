# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Preprocessing on the host: a protocol, and an implementation per kind of input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.network_input import ImageInput, kind_name, NetworkInput, TextInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.tensors_preprocess import TensorsPreprocess
from edge_trt_ros.runtime.text_preprocess import TextPreprocess
from edge_trt_ros.tensor_input import StateInput, TensorInput
from edge_trt_ros.vision.letterbox import Letterbox


class Preprocess(Protocol):
    """Converts samples to the input tensors of one network on the host."""

    def fit(self, sample: Sample) -> Letterbox:
        """
        Check a sample and return the letterbox that fits it into the network's input.

        :raises ImageError: for a sample of the wrong kind.
        """

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """
        Write a sample into the network's input tensors.

        :param sample: not modified.
        :param letterbox: the letterbox that `fit` returned.
        :param tensors: arrays with the manifest's dtypes and shapes; overwritten.
        :raises ImageError: for a sample of the wrong kind.
        """

    def blank(self) -> Sample:
        """Return a blank sample for warm-up."""


def host_preprocess(kinds: Sequence[NetworkInput]) -> Preprocess:
    """
    Return the preprocessing of a network.

    :param kinds: the network's inputs: one image, one text, or any number of tensors, with one
        image beside them.
    :raises EngineError: for another combination.
    """
    alone: dict[type, Callable[[Any], Preprocess]] = {
        ImageInput: ImagePreprocess, TextInput: TextPreprocess}
    if len(kinds) == 1 and type(kinds[0]) in alone:
        return alone[type(kinds[0])](kinds[0])
    found = [type(kind) for kind in kinds]
    if not kinds or not set(found) <= {ImageInput, TensorInput, StateInput} \
            or found.count(ImageInput) > 1:
        raise EngineError(f"the network reads {', '.join(map(kind_name, kinds)) or 'nothing'}: "
                          'supported are one image, one text, or tensors with at most one image')
    return TensorsPreprocess(kinds)
