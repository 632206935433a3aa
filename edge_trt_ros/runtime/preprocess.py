"""How samples become input tensors on the host: one protocol, one implementation a kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from numpy.typing import NDArray

from edge_trt_ros.errors import EngineError
from edge_trt_ros.network_input import ImageInput, kind_name, NetworkInput, TensorInput, TextInput
from edge_trt_ros.runtime.image_preprocess import ImagePreprocess
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.tensors_preprocess import TensorsPreprocess
from edge_trt_ros.runtime.text_preprocess import TextPreprocess
from edge_trt_ros.vision.letterbox import Letterbox


class Preprocess(Protocol):
    """The preprocessing of one network on the host."""

    def fit(self, sample: Sample) -> Letterbox:
        """
        Check a sample and return how it is fitted into the network's input.

        :raises ImageError: for a sample that the network does not read.
        """

    def fill(self, sample: Sample, letterbox: Letterbox, tensors: Mapping[str, NDArray[Any]]
             ) -> None:
        """
        Write a sample into the network's input tensors.

        :param sample: not modified.
        :param letterbox: what `fit` returned for it.
        :param tensors: arrays of the manifest's dtypes and shapes; overwritten.
        :raises ImageError: for a sample that the network does not read.
        """

    def blank(self) -> Sample:
        """Return a sample without content, to warm up on."""


def host_preprocess(kinds: Sequence[NetworkInput]) -> Preprocess:
    """
    Return the preprocessing of a network.

    :param kinds: what the network reads: one image, one text, or any number of tensors.
    :raises EngineError: for any other combination.
    """
    makers: dict[type, Callable[[Any], Preprocess]] = {
        ImageInput: lambda only: ImagePreprocess(*only),
        TextInput: lambda only: TextPreprocess(*only), TensorInput: TensorsPreprocess}
    found = {type(one) for one in kinds}
    if len(found) != 1 or (len(kinds) > 1 and found != {TensorInput}):
        raise EngineError(f"the network reads {', '.join(map(kind_name, kinds)) or 'nothing'}: "
                          'supported are one image, one text, or tensors')
    return makers[found.pop()](kinds)
