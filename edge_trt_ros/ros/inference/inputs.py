"""The topic that an engine's samples come from: one row for each kind of input of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import String

from edge_trt_ros.errors import EngineError
from edge_trt_ros.manifest import EngineManifest
from edge_trt_ros.network_input import kind_name
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.image import frame_from_compressed, frame_from_image
from edge_trt_ros.runtime.samples import Sample
from edge_trt_ros.runtime.text_preprocess import TextTokens

# Images: the newest wins. Texts: each counts, as each command does.
_WAITING_TEXTS = 100


@dataclass(frozen=True)
class InputTopic:
    """
    Where samples come from, and how a message becomes one.

    :param message: the type of the messages.
    :param topic: the topic, relative to the node's namespace.
    :param qos: name of the QoS profile.
    :param most_waiting: how many messages may wait; the oldest give way.
    :param is_continuous: whether silence on the topic is worth a warning.
    :param read: makes a sample of a message and the full name of the topic.
    """

    message: Any
    topic: str
    qos: str
    most_waiting: int
    is_continuous: bool
    read: Callable[[Any, str], Sample]


def input_topic(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    """
    Return the topic of an engine; a tokenizer is parsed here, once.

    :param manifest: of the engine.
    :param parameters: image transport and QoS.
    :raises EngineError: for an engine whose input is on no topic, or a broken tokenizer.
    """
    kinds = [kind_name(one) for one in manifest.input_kinds]
    make = _MAKERS.get(kinds[0]) if len(kinds) == 1 else None
    if make is None:
        raise EngineError(f"the network reads {', '.join(kinds)}, which no topic brings: use an "
                          'engine that reads an image or a text')
    return make(manifest, parameters)


def _images(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    if parameters.image_transport == 'compressed':
        return InputTopic(CompressedImage, 'image/compressed', parameters.input_qos, 1, True,
                          frame_from_compressed)
    return InputTopic(Image, 'image', parameters.input_qos, 1, True, frame_from_image)


def _texts(manifest: EngineManifest, parameters: InferenceParameters) -> InputTopic:
    tokens = TextTokens(manifest.text_input) if manifest.text_input else None
    if tokens is None:
        raise EngineError('the engine states no tokenizer: rebuild it')

    def read(message: String, topic: str) -> Sample:
        return tokens.sample(message.data, source=topic)
    return InputTopic(String, 'text', 'DEFAULT', _WAITING_TEXTS, False, read)


_MAKERS: Mapping[str, Callable[[EngineManifest, InferenceParameters], InputTopic]] = \
    MappingProxyType({'image': _images, 'text': _texts})
