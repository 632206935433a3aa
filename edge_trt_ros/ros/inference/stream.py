# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Runs messages through an engine: images or texts in, results and overlays out.

A stream exists from configure to cleanup and runs from activate to deactivate. The thread of the
subscription enqueues messages; the worker's thread does everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event, Lock
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from edge_trt_ros.errors import ConfigurationError, EngineError, ImageError, NetworkOutputError
from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.inference.worker import NewestFrameWorker
from edge_trt_ros.ros.node.answers import explain
from edge_trt_ros.ros.node.transport import return_free_blocks
from edge_trt_ros.ros.tasks import TASKS
from edge_trt_ros.runtime.pipeline import collect_result
from edge_trt_ros.runtime.samples import Frame
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.pixel_encodings import to_bgr
from edge_trt_ros.vision.tasks import Result, TASKS as VISION_TASKS

# The interpreter's own interval for switching threads: never wait longer than without waiting.
_MAX_SUBMIT_S = 0.005


@dataclass(frozen=True)
class _Arrival:
    camera: Camera
    message: Any
    header: Header
    arrived: float
    submitted: Event = field(default_factory=Event)


class InferenceStream:
    """
    Runs the newest images of its cameras, or every text, through one engine, in turn.

    :param node: the node, for its logger and clock.
    :param settings: settings with an open engine, which the stream owns from now on.
    :param ended: called with an input before it is closed, when its counts are final.
    :ivar cameras: the inputs by name; '' is the name of an only input.
    """

    def __init__(self, node: LifecycleNode, settings: StreamSettings,
                 ended: Callable[[Camera], None] = lambda camera: None) -> None:
        self._node = node
        self._ended = ended
        self._changing, self._in_work = Lock(), Lock()
        self._worker: NewestFrameWorker[_Arrival] | None = None
        self.settings = settings
        self.cameras: dict[str, Camera] = {}

    def add(self, camera: Camera) -> None:
        """Add an input; the stream closes it."""
        self.cameras[camera.name] = camera

    def remove(self, name: str) -> None:
        """Close an input, after a frame of it that is in work."""
        camera = self.cameras.pop(name)
        camera.unsubscribe()
        if self._worker:
            camera.figures.counts['dropped_at_stop'] += self._worker.remove(name)
        with self._in_work:
            self._ended(camera)
            camera.close()

    def tune(self, parameters: InferenceParameters,
             cameras: Mapping[str, InferenceParameters] = MappingProxyType({})) -> None:
        """Apply live parameters, from the next image on (see `stream_settings`)."""
        with self._changing:
            self.settings = self.settings.tuned(parameters, cameras)

    def swap(self, new: StreamSettings) -> StreamSettings:
        """
        Use another engine from the next image on; takes no time.

        :param new: settings with the other engine; live parameters keep their current values.
        :returns: the settings with the old engine, to be passed to `retire`.
        :raises ConfigurationError: if its task or its input topic differs.
        """
        with self._changing:
            old = self.settings
            old_task, new_task = old.runtime.manifest.task, new.runtime.manifest.task
            if old_task != new_task or old.input.topic != new.input.topic:
                raise ConfigurationError(
                    f"the new engine has the task '{new_task}' and reads {new.input.topic}, the "
                    f"old engine has the task '{old_task}' and reads {old.input.topic}: clean up "
                    'the node and configure it again')
            self.settings = new.tuned(old.parameters, {
                name: own.parameters for name, own in old.cameras.items()})
        return old

    def retire(self, old: StreamSettings) -> None:
        """
        Wait for a frame that still runs on an engine that was swapped, and close the engine.

        :param old: settings with the engine.
        """
        with self._in_work:
            pass
        old.runtime.close()
        return_free_blocks()

    def start(self) -> None:
        """Process messages from `offer`."""
        self._worker = NewestFrameWorker(
            self._process, 'inference', self.settings.input.most_waiting)

    def stop(self) -> None:
        """Finish the current message and drop the waiting messages."""
        if self._worker:
            dropped = self._worker.close()
            self._worker = None
            for name, camera in self.cameras.items():
                camera.figures.counts['dropped_at_stop'] += dropped[name]

    def unsubscribe(self) -> None:
        """Receive no more messages."""
        for camera in self.cameras.values():
            camera.unsubscribe()

    def offer(self, camera: Camera, message: Any, number: int | None = None) -> None:
        """
        Enqueue a message of the subscription.

        If the worker is idle, wait until it has submitted the message to the engine: otherwise it
        would wait for the interpreter lock, which the subscription's thread holds until it waits
        for messages again. That thread then continues while the network runs.

        :param camera: the input that received it.
        :param message: the message.
        :param number: its sequence number, if the middleware gives one.
        """
        # A text has no header: use the time of its arrival.
        header = getattr(message, 'header', None) or Header(
            stamp=self._node.get_clock().now().to_msg())
        figures = camera.figures
        figures.arrived(number)
        if self._worker is None:
            figures.counts['dropped_at_stop'] += 1
            return
        settings = self.settings.of(camera.name)
        # Texts are commands, and none of them is dropped.
        if settings.input.is_continuous and not figures.is_due(settings.parameters.max_rate_hz):
            return
        arrival = _Arrival(camera, message, header, perf_counter())
        is_idle = self._worker.is_idle
        if self._worker.offer(arrival, camera.name):
            figures.counts['dropped_for_newer'] += 1
        if is_idle:
            arrival.submitted.wait(_MAX_SUBMIT_S)

    def close(self) -> None:
        """Stop, and close all inputs and the engine."""
        self.unsubscribe()
        self.stop()
        for camera in self.cameras.values():
            self._ended(camera)
            camera.close()
        self.settings.runtime.close()

    def _process(self, arrival: _Arrival) -> None:
        with self._in_work:
            camera = arrival.camera
            settings = self.settings.of(camera.name)  # the same value for the whole frame
            queue_ms = (perf_counter() - arrival.arrived) * 1e3
            limit_ms = settings.parameters.max_frame_age_ms
            age_ms = (self._now_ns() - stamp_ns(arrival.header)) / 1e6
            try:
                if 0 < limit_ms < age_ms:
                    camera.figures.too_old(age_ms)
                else:
                    self._run(arrival, settings, queue_ms)
            except ImageError as error:
                self._refuse(camera, 'bad_images', error)
            except (NetworkOutputError, EngineError) as error:
                self._refuse(camera, 'bad_results', error)
            except Exception as error:  # a bug must not end the stream
                self._refuse(camera, 'failures', error)
            finally:
                arrival.submitted.set()

    def _run(self, arrival: _Arrival, settings: StreamSettings, queue_ms: float) -> None:
        camera = arrival.camera
        sample = settings.input.read(arrival.message, camera.topic)
        ticket = settings.runtime.submit(sample, settings.thresholds)
        arrival.submitted.set()
        result, times_ms = collect_result(settings.runtime, ticket)
        started = perf_counter()
        TASKS[settings.runtime.manifest.task].publish(
            camera.publishers, result, arrival.header, settings.style, camera.tracks)
        now = perf_counter()
        camera.last_problem = ''
        camera.figures.finished({
            'queue': queue_ms, **times_ms, 'message': (now - started) * 1e3,
            'arrival_to_detections': (now - arrival.arrived) * 1e3,
            'stamp_to_detections': (self._now_ns() - stamp_ns(arrival.header)) / 1e6})
        if isinstance(sample, Frame) and camera.overlay.get_subscription_count():
            try:
                self._publish_overlay(arrival, sample, result, settings)
            except Exception as error:  # the frame is published, and counted already
                self._refuse(camera, 'overlay_failures', error)

    def _publish_overlay(self, arrival: _Arrival, frame: Frame, result: Result,
                         settings: StreamSettings) -> None:
        bgr = np.array(to_bgr(frame.pixels, frame.encoding))
        VISION_TASKS[settings.runtime.manifest.task].draw(bgr, result, settings.labels)
        arrival.camera.overlay.publish(bgr, arrival.header)

    def _refuse(self, camera: Camera, count: str, error: Exception) -> None:
        if not self._node.context.ok():  # a signal has ended ROS, so nothing can be published
            camera.figures.counts['dropped_at_stop'] += 1
            return
        camera.figures.counts[count] += 1
        camera.last_problem = explain(error, 'a frame was skipped')
        self._node.get_logger().error(camera.last_problem, throttle_duration_sec=5.0)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
