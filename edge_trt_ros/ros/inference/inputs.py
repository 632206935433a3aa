# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The input topic of an engine, by the kind of the network's input."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import kind_name
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.image import frame_from_image, IMAGE
from edge_trt_ros.ros.messages.received_image import received_image
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.text_preprocess import TextTokens
from edge_trt_ros.sources.frames import frame_from_compressed_message

# Only the newest image waits. Texts are commands, so up to 100 of them wait.
_WAITING_TEXTS = 100


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
    """

    message: Any
    topic: str
    qos: str
    most_waiting: int
    is_continuous: bool
    read: Callable[[Any, str], Sample]
    parse: Callable[[bytes], Any] | None = None


def input_topic(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    """
    Return the input topic of an engine. This parses the tokenizer of a text network, once.

    :param manifest: the engine's manifest.
    :param parameters: image transport and QoS.
    :raises EngineError: if no topic provides the engine's input, or the tokenizer is invalid.
    """
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


_MAKERS: Mapping[str, Callable[[EngineManifest, InferenceParameters], InputTopic]] = \
    MappingProxyType({'image': _images, 'text': _texts})
