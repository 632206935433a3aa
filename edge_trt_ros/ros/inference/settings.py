# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Settings of a stream: one immutable value, so that no frame sees a half-applied change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.classes import thresholds
from edge_trt_ros.ros.inference.engine import open_engine_of
from edge_trt_ros.ros.inference.inputs import input_topic, InputTopic
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.detections import class_id_texts
from edge_trt_ros.ros.tasks import MessageStyle
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.select import OpenedRuntime
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class StreamSettings:
    """
    An open engine and everything that is needed to turn a message into results.

    :param opened: the open engine.
    :param input: its input topic.
    :param parameters: the node's parameters.
    :param thresholds: what to keep, derived from the parameters and the engine's labels.
    :param style: how results are published, derived from the parameters and the labels.
    :param cameras: the settings of cameras with parameters of their own, by name.
    """

    opened: OpenedRuntime
    input: InputTopic
    parameters: InferenceParameters
    thresholds: Thresholds
    style: MessageStyle
    cameras: Mapping[str, StreamSettings] = field(default_factory=dict)

    @property
    def runtime(self) -> Runtime:
        """The open engine."""
        return self.opened.runtime

    @property
    def labels(self) -> tuple[str, ...]:
        """The engine's labels."""
        return self.opened.runtime.manifest.labels

    def of(self, camera: str) -> StreamSettings:
        """Return the settings of a camera."""
        return self.cameras.get(camera, self)

    def tuned(self, parameters: InferenceParameters,
              cameras: Mapping[str, InferenceParameters] = MappingProxyType({})
              ) -> StreamSettings:
        """
        Return settings of the same engine with other parameters (see `stream_settings`).

        :raises ConfigurationError: if a parameter names a label that the engine lacks.
        """
        return stream_settings(self.opened, self.input, parameters, cameras)


def stream_settings(opened: OpenedRuntime, source: InputTopic, parameters: InferenceParameters,
                    cameras: Mapping[str, InferenceParameters] = MappingProxyType({})
                    ) -> StreamSettings:
    """
    Return the settings of an engine.

    :param opened: the open engine.
    :param source: its input topic.
    :param parameters: the node's parameters.
    :param cameras: the parameters of each camera, by its name.
    :raises ConfigurationError: if a parameter names a label that the engine lacks, or for
        cameras of a network that reads no images.
    """
    if parameters.cameras and not source.is_continuous:
        raise ConfigurationError(f'cameras is {list(parameters.cameras)}, but the network reads '
                                 f'{source.topic} and no images: set it to []')
    if parameters.cameras and opened.runtime.manifest.contract is not None:
        raise ConfigurationError(f'cameras is {list(parameters.cameras)}, but a network with a '
                                 'tensor contract has one set of inputs: set it to []')
    labels = opened.runtime.manifest.labels
    return StreamSettings(
        opened, source, parameters,
        thresholds(parameters, labels),
        MessageStyle(labels, class_id_texts(labels, parameters.class_id_format),
                     parameters.max_detections, parameters.mask_resolution),
        {name: stream_settings(opened, source, own) for name, own in cameras.items()})


def open_settings(parameters: InferenceParameters,
                  cameras: Mapping[str, InferenceParameters] = MappingProxyType({})
                  ) -> StreamSettings:
    """
    Open an engine and run it once; after an error nothing is held.

    :param parameters: the node's parameters, the path of the engine among them.
    :param cameras: the parameters of each camera, by its name.
    :raises EdgeTrtError: if it cannot be opened, or a parameter names an unknown label.
    """
    opened = open_engine_of(parameters)
    try:
        settings = stream_settings(
            opened, input_topic(opened.runtime.manifest, parameters), parameters, cameras)
        warm_up(opened.runtime)
    except Exception:
        opened.runtime.close()
        raise
    return settings
