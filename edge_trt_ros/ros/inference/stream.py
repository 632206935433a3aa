"""
One camera's way through the engine: images (or texts) in, results and overlays out.

Lives between activate and deactivate. The subscription's thread only puts the newest message
in line; everything else happens on the worker's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header, String

from edge_trt_ros.convert.build import open_model
from edge_trt_ros.errors import ConfigurationError, EngineError, ImageError, NetworkOutputError
from edge_trt_ros.manifest import EngineManifest, TOKENS
from edge_trt_ros.ros.inference.figures import StreamFigures
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.inference.publishers import ResultPublishers
from edge_trt_ros.ros.inference.worker import NewestFrameWorker
from edge_trt_ros.ros.messages.image import frame_from_compressed, frame_from_image, image_message
from edge_trt_ros.ros.node.answers import explain
from edge_trt_ros.runtime.contract import Frame
from edge_trt_ros.runtime.pipeline import infer, warm_up
from edge_trt_ros.runtime.select import OpenedRuntime, Placement
from edge_trt_ros.runtime.text_tokens import TextTokens
from edge_trt_ros.vision.decoders import Result
from edge_trt_ros.vision.draw_result import draw_result
from edge_trt_ros.vision.pixel_encodings import to_bgr
from edge_trt_ros.vision.postprocess import Thresholds
from edge_trt_ros.vision.tracking import TrackIds

# Images: the newest wins. Texts: each counts, as each command does.
_WAITING_TEXTS = 100


@dataclass(frozen=True)
class _Arrival:
    message: Image | CompressedImage | String
    header: Header
    arrived: float


class DetectionStream:
    """
    Runs the newest image of a topic, or each text, through an engine.

    :param node: for its logger and clock.
    :param opened: the open engine, which the stream owns from now on.
    :param parameters: what the operator set.
    :param results: where results go.
    :param overlay: where drawings go, while somebody subscribes.
    """

    def __init__(self, node: LifecycleNode, opened: OpenedRuntime,
                 parameters: InferenceParameters, results: ResultPublishers,
                 overlay: Publisher) -> None:
        self._node = node
        self._results = results
        self._overlay = overlay
        self._swapping = Lock()
        self.opened = opened
        self.figures = StreamFigures()
        self.last_problem = ''
        self.tracks = TrackIds() if parameters.track else None
        self.topic = ''
        self.tune(parameters)
        self._worker: NewestFrameWorker[_Arrival] | None = None

    def tune(self, parameters: InferenceParameters) -> None:
        """Take over what may change while images flow."""
        labels = self.opened.runtime.manifest.labels
        self._parameters = parameters
        self._decode = _decoder(self.opened.runtime.manifest, parameters)
        self._thresholds = Thresholds(
            confidence=parameters.confidence_threshold, nms_iou=parameters.nms_threshold,
            max_detections=parameters.max_detections,
            class_ids=class_filter(parameters.class_names, labels), top_k=parameters.top_k)
        self._results.tune(parameters, labels)

    def start(self, topic: str) -> None:
        """Begin to work on what `offer` brings; `topic` names the source in messages."""
        self.topic = topic
        self._worker = NewestFrameWorker(
            self._process, 'inference', _WAITING_TEXTS if self.reads_text else 1)

    def stop(self) -> None:
        """Finish the image in work and forget the one that waits."""
        if self._worker:
            self._worker.close()
            self._worker = None

    @property
    def reads_text(self) -> bool:
        """Whether the engine takes texts and not images."""
        return self.opened.runtime.manifest.input_contract.layout == TOKENS

    def offer(self, message: Image | CompressedImage | String) -> None:
        """Take a message from the subscription; returns at once."""
        # A text has no header: its time is that of its arrival.
        header = Header(stamp=self._node.get_clock().now().to_msg()) \
            if isinstance(message, String) else message.header
        stamp = header.stamp
        self.figures.arrived(self._now_ns(), stamp.sec * 1_000_000_000 + stamp.nanosec)
        if self._worker and self._worker.offer(_Arrival(message, header, perf_counter())):
            self.figures.counts['dropped_for_newer'] += 1

    def close(self) -> None:
        """Stop, and close the engine."""
        self.stop()
        self.opened.runtime.close()

    def swap(self, opened: OpenedRuntime) -> None:
        """
        Go on with another engine from the next image on, and close the old one.

        :raises ConfigurationError: if it is for another task.
        """
        had, has = (one.runtime.manifest.task for one in (self.opened, opened))
        if had != has:
            raise ConfigurationError(f"the new engine is for the task '{has}', the old one for "
                                     f"'{had}', which has other topics: clean up the node and "
                                     'configure it again')
        with self._swapping:
            old, self.opened = self.opened, opened
            try:
                self.tune(self._parameters)
            except Exception:
                self.opened = old
                raise
        old.runtime.close()

    def _process(self, arrival: _Arrival) -> None:
        header = arrival.header
        stages_ms = {'queue': (perf_counter() - arrival.arrived) * 1e3}
        stamp_ns = header.stamp.sec * 1_000_000_000 + header.stamp.nanosec
        limit_ms = self._parameters.max_frame_age_ms
        if limit_ms and self._now_ns() - stamp_ns > limit_ms * 1e6:
            self.figures.counts['dropped_for_age'] += 1
            return
        try:
            with self._swapping:
                frame = self._decode(arrival.message, self.topic)
                result, times_ms = infer(self.opened.runtime, frame, self._thresholds)
                labels = self.opened.runtime.manifest.labels
            started = perf_counter()
            self._results.publish(result, header, self.tracks)
        except ImageError as error:
            self._refuse('bad_images', error)
            return
        except (NetworkOutputError, EngineError) as error:
            self._refuse('bad_results', error)
            return
        except Exception as error:  # a bug of ours must not end the stream
            self._refuse('failures', error)
            return
        now = perf_counter()
        stages_ms |= times_ms | {
            'message': (now - started) * 1e3, 'arrival_to_detections':
            (now - arrival.arrived) * 1e3, 'stamp_to_detections':
            (self._now_ns() - stamp_ns) / 1e6}
        self.last_problem = ''
        self.figures.finished(self._now_ns(), stages_ms)
        if frame.encoding != TOKENS and self._overlay.get_subscription_count():
            self._publish_overlay(frame, result, labels, header)

    def _publish_overlay(self, frame: Frame, result: Result, labels: tuple[str, ...],
                         header: Header) -> None:
        bgr = np.array(to_bgr(frame.pixels, frame.encoding))
        self._overlay.publish(image_message(draw_result(bgr, result, labels), header))

    def _refuse(self, count: str, error: Exception) -> None:
        self.figures.counts[count] += 1
        self.last_problem = explain(error, 'a frame was skipped')
        self._node.get_logger().error(self.last_problem, throttle_duration_sec=5.0)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)


def _decoder(manifest: EngineManifest, parameters: InferenceParameters
             ) -> Callable[[Any, str], Frame]:
    if manifest.input_contract.layout == TOKENS:
        tokens = TextTokens(manifest.tokenizer, manifest.input_contract)
        return lambda message, topic: tokens.frame(message.data, source=topic)
    return frame_from_compressed if parameters.image_transport == 'compressed' \
        else frame_from_image


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


def open_warm(parameters: InferenceParameters) -> OpenedRuntime:
    """
    Open an engine and run it once, or raise and hold nothing.

    :param parameters: the engine, and the classes that it has to know.
    :raises EdgeTrtError: if it cannot be opened or does not know a class.
    """
    opened = open_model(Path(parameters.engine_file_path).expanduser(), parameters.backend,
                        Placement(parameters.device_id, parameters.dla_core))
    try:
        class_filter(parameters.class_names, opened.runtime.manifest.labels)
        warm_up(opened.runtime)
    except Exception:
        opened.runtime.close()
        raise
    return opened
