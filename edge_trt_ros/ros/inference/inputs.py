# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The input topic of an engine, by the kind of the network's input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Float32MultiArray, String

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import kind_name
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.image import frame_from_image, IMAGE
from edge_trt_ros.ros.messages.received_image import received_image
from edge_trt_ros.ros.messages.tensors import tensor_from_message
from edge_trt_ros.runtime.samples import Frame, Sample, Tensors
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.sources.frames import frame_from_compressed_message
from edge_trt_ros.tensor_contract import ContractTensor, TensorContract

# Only the newest image waits. Texts are commands, so up to 100 of them wait.
_WAITING_TEXTS = 100
# A state needs every tensor of its sequence, so some may wait.
_WAITING_FOR_STATE = 10


@dataclass(frozen=True)
class InputTopic:
    """
    An input topic, and how its messages become samples.

    :param message: type of the messages.
    :param topic: name of the topic, relative to the node's namespace.
    :param qos: name of the QoS profile.
    :param most_waiting: maximum number of waiting messages; the oldest are dropped.
    :param is_continuous: whether diagnostics warn if no messages arrive.
    :param read: converts a message to a sample; its second argument is the full topic name.
    :param parse: if not None, messages are received as bytes, and this makes them messages.
    :param noun: what the messages are, and their sender, for diagnostics.
    :param beside: the other inputs of the network; their newest messages join the sample.
    :param max_age_ms: greatest age of such a message since its arrival; 0 sets no limit.
    """

    message: Any
    topic: str
    qos: str
    most_waiting: int
    is_continuous: bool
    read: Callable[[Any, str], Sample]
    parse: Callable[[bytes], Any] | None = None
    noun: tuple[str, str] = ('images', 'the camera driver')
    beside: tuple[InputTopic, ...] = ()
    max_age_ms: float = 0.0


def input_topic(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    """
    Return the input topic of an engine. This parses the tokenizer of a text network, once.

    :param manifest: the engine's manifest.
    :param parameters: image transport and QoS.
    :raises EngineError: if no topic provides the engine's input, or the tokenizer is invalid.
    """
    contract = manifest.contract
    if contract is not None:
        return _of_contract(contract, manifest, parameters)
    kinds = [kind_name(network_input) for network_input in manifest.input_kinds]
    make = _MAKERS.get(kinds[0]) if len(kinds) == 1 else None
    if make is None:
        raise EngineError(f"the network's inputs are {', '.join(kinds)}, which no topic provides: "
                          'use an engine that reads one image or one text')
    return make(manifest, parameters)


def _images(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    if parameters.image_transport == 'compressed':
        return InputTopic(
            CompressedImage, 'image/compressed', parameters.input_qos, 1, True,
            partial(frame_from_compressed_message,
                    max_pixels=round(parameters.max_image_megapixels * 1e6)))
    return InputTopic(Image, 'image', parameters.input_qos, 1, True, frame_from_image,
                      None if IMAGE.layout_difference() else received_image)


def _texts(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    tokens = TextTokens(manifest.text_input) if manifest.text_input else None
    if tokens is None:
        raise EngineError("the engine's manifest has no tokenizer: rebuild the engine")

    def read(message: String, topic: str) -> Sample:
        return tokens.sample(message.data, source=topic)
    return InputTopic(String, 'text', 'DEFAULT', _WAITING_TEXTS, False, read)


def _of_contract(contract: TensorContract, manifest: EngineManifest,
                 parameters: InferenceParameters) -> InputTopic:
    first, *others = contract.received
    beside = tuple(_tensors(tensor, 1) for tensor in others)
    if first.image is None:
        return replace(_tensors(first, _WAITING_FOR_STATE if manifest.states else 1),
                       beside=beside)
    source, name = _images(manifest, parameters), first.spec.name

    def read(message: Any, topic: str) -> Sample:
        frame = source.read(message, topic)
        return Tensors({name: frame} if isinstance(frame, Frame) else {}, source=topic)
    return replace(source, read=read, beside=beside)


def _tensors(tensor: ContractTensor, most_waiting: int) -> InputTopic:
    def read(message: Float32MultiArray, topic: str) -> Sample:
        return Tensors({tensor.spec.name: tensor_from_message(message, tensor.spec, topic)},
                       source=topic)
    return InputTopic(Float32MultiArray, tensor.topic, 'DEFAULT', most_waiting, True, read,
                      noun=('messages', 'its publisher'), max_age_ms=tensor.max_age_ms)


_MAKERS: Mapping[str, Callable[[EngineManifest, InferenceParameters], InputTopic]] = \
    MappingProxyType({'image': _images, 'text': _texts})
