"""What a stream does now: one immutable value, so that a frame never sees half of a change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.inputs import input_topic, InputTopic
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.messages.detections import class_id_texts
from edge_trt_ros.ros.tasks import MessageStyle
from edge_trt_ros.runtime.contract import Runtime
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.select import open_runtime, OpenedRuntime, Placement
from edge_trt_ros.vision.thresholds import Thresholds


@dataclass(frozen=True)
class StreamSettings:
    """
    An engine, and everything that makes results of a message with it.

    :param opened: the open engine.
    :param input: where its samples come from.
    :param parameters: what the operator set.
    :param thresholds: what to keep, by these parameters and the engine's labels.
    :param style: how results are written, by these parameters and the engine's labels.
    """

    opened: OpenedRuntime
    input: InputTopic
    parameters: InferenceParameters
    thresholds: Thresholds
    style: MessageStyle

    @property
    def runtime(self) -> Runtime:
        """The open engine."""
        return self.opened.runtime

    @property
    def labels(self) -> tuple[str, ...]:
        """The engine's labels."""
        return self.opened.runtime.manifest.labels

    def tuned(self, parameters: InferenceParameters) -> StreamSettings:
        """
        Return the settings of the same engine under other parameters.

        :raises ConfigurationError: if the engine does not know a class that is asked for.
        """
        return stream_settings(self.opened, self.input, parameters)


def stream_settings(opened: OpenedRuntime, source: InputTopic, parameters: InferenceParameters
                    ) -> StreamSettings:
    """
    Return the settings of an engine.

    :param opened: the open engine.
    :param source: where its samples come from.
    :param parameters: what the operator set.
    :raises ConfigurationError: if the engine does not know a class that is asked for.
    """
    labels = opened.runtime.manifest.labels
    return StreamSettings(
        opened, source, parameters,
        Thresholds(confidence=parameters.confidence_threshold, nms_iou=parameters.nms_threshold,
                   max_detections=parameters.max_detections,
                   class_ids=class_filter(parameters.class_names, labels),
                   top_k=parameters.top_k),
        MessageStyle(labels, class_id_texts(labels, parameters.class_id_format),
                     parameters.max_detections, parameters.mask_resolution))


def open_settings(parameters: InferenceParameters) -> StreamSettings:
    """
    Open an engine and run it once, or raise and hold nothing.

    :param parameters: the engine, and what the operator set.
    :raises EdgeTrtError: if it cannot be opened or does not know a class.
    """
    opened = _opened(Path(parameters.engine_file_path).expanduser(), parameters.backend,
                     Placement(parameters.device_id, parameters.dla_core))
    try:
        settings = stream_settings(
            opened, input_topic(opened.runtime.manifest, parameters), parameters)
        warm_up(opened.runtime)
    except Exception:
        opened.runtime.close()
        raise
    return settings


def _opened(path: Path, backend: str, placement: Placement) -> OpenedRuntime:
    if path.suffix.lower() != '.onnx':
        return open_runtime(path, backend, placement)
    # A node that runs an engine does without the converter, onnx and ONNX Runtime.
    from edge_trt_ros.convert.open_model import open_model
    return open_model(path, backend, placement)


def class_filter(class_names: Sequence[str], labels: tuple[str, ...]) -> frozenset[int] | None:
    """
    Return the classes to keep; None keeps all.

    :param class_names: labels to keep; empty for all.
    :param labels: the network's labels.
    :raises ConfigurationError: if a label is asked for that the network does not know.
    """
    unknown = sorted(set(class_names) - set(labels))
    if unknown:
        raise ConfigurationError(f"class_names holds {', '.join(unknown)}, but the engine knows "
                                 f"{', '.join(labels)}")
    return frozenset(index for index, label in enumerate(labels)
                     if label in class_names) if class_names else None
