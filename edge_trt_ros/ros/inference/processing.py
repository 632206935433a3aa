# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Runs messages that wait, together if the engine is built for it, and publishes their results.

A message that fails is counted and skipped; it does not cost the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode

from edge_trt_ros.errors import EngineError, ImageError, NetworkOutputError
from edge_trt_ros.ros.inference.arrivals import Arrival, Work
from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.tasks import Seen, TASKS
from edge_trt_ros.runtime.contract import Answers, Ticket
from edge_trt_ros.runtime.pipeline import collect_result
from edge_trt_ros.runtime.samples import Frame, Sample
from edge_trt_ros.stamps import stamp_ns
from edge_trt_ros.vision.pixel_encodings import to_bgr
from edge_trt_ros.vision.tasks import Result, TASKS as VISION_TASKS

# What is counted for each kind of error.
_COUNTS = {ImageError: 'bad_images', NetworkOutputError: 'bad_results', EngineError: 'bad_results'}


class Processing:
    """
    Runs messages.

    :param node: the node, for its logger and clock.
    """

    def __init__(self, node: LifecycleNode) -> None:
        self._node = node

    def run(self, arrivals: Sequence[Arrival], settings: StreamSettings) -> None:
        """
        Run messages and publish their results; raises nothing.

        :param arrivals: the messages, at most one of each camera.
        :param settings: the same value for all of them.
        """
        # An engine that was swapped a moment ago may have had a larger batch.
        most = settings.runtime.max_batch
        for start in range(0, len(arrivals), most):
            together = arrivals[start:start + most]
            try:
                submitted = self._submit(together, settings)
            finally:
                for arrival in together:
                    arrival.submitted.set()
            for work, ticket in submitted:
                with self._refusing(work):
                    self._finish(work, ticket)

    def _submit(self, arrivals: Sequence[Arrival], settings: StreamSettings
                ) -> list[tuple[Work, Ticket]]:
        """Start the network on all messages that can be read; refuse the others."""
        works = []
        for arrival in arrivals:
            with self._refusing(arrival):
                works += self._read(arrival, settings.of(arrival.camera.name))
        answers: Answers = ()
        if works:
            with self._refusing(*works):
                answers = settings.runtime.submit_batch([
                    (work.sample, work.settings.thresholds) for work in works])
        submitted = []
        for work, answer in zip(works, answers):
            with self._refusing(work):
                if isinstance(answer, ImageError):
                    raise answer
                submitted.append((work, answer))
        return submitted

    def _read(self, arrival: Arrival, settings: StreamSettings) -> list[Work]:
        """Return what to run of a message: nothing if it is too old, or if an input lacks."""
        camera = arrival.camera
        queue_ms = (perf_counter() - arrival.arrived) * 1e3
        limit_ms = settings.parameters.max_frame_age_ms
        age_ms = (self._now_ns() - stamp_ns(arrival.header)) / 1e6
        if 0 < limit_ms < age_ms:
            camera.figures.too_old(age_ms)
            return []
        lack = camera.beside.lack(settings.input.beside)
        if lack:
            camera.figures.counts[lack] += 1
            return []
        sample = camera.beside.joined(
            settings.input.read(arrival.message, camera.topic), settings.input.beside)
        return [Work(camera, arrival, settings, queue_ms, sample)]

    def _finish(self, work: Work, ticket: Ticket) -> None:
        camera, arrival, settings = work.camera, work.arrival, work.settings
        result, times_ms = collect_result(settings.runtime, ticket)
        started = perf_counter()
        TASKS[settings.runtime.manifest.task].publish(
            camera.publishers, result, arrival.header, settings.style,
            Seen(camera.tracks, camera.camera_info, partial(_image_of, work.sample)))
        now = perf_counter()
        camera.last_problem = ''
        camera.figures.finished({
            'queue': work.queue_ms, **times_ms, 'message': (now - started) * 1e3,
            'arrival_to_detections': (now - arrival.arrived) * 1e3,
            'stamp_to_detections': (self._now_ns() - stamp_ns(arrival.header)) / 1e6})
        if isinstance(work.sample, Frame) and camera.overlay.get_subscription_count():
            try:
                self._publish_overlay(arrival, work.sample, result, settings)
            except Exception as error:  # the frame is published, and counted already
                self._refuse(camera, 'overlay_failures', error)

    @contextmanager
    def _refusing(self, *items: Arrival | Work) -> Iterator[None]:
        """Skip the messages of these cameras if they fail."""
        try:
            yield
        except Exception as error:  # a bug must not end the stream
            counts = [name for kind, name in _COUNTS.items() if isinstance(error, kind)]
            for item in items:
                self._refuse(item.camera, [*counts, 'failures'][0], error)
                if isinstance(item, Work) and isinstance(error, NetworkOutputError):
                    item.settings.runtime.reset_state()  # or it would stay NaN

    def _publish_overlay(self, arrival: Arrival, frame: Frame, result: Result,
                         settings: StreamSettings) -> None:
        bgr = np.array(to_bgr(frame.pixels, frame.encoding))
        VISION_TASKS[settings.runtime.manifest.task].draw(bgr, result, settings.labels)
        arrival.camera.overlay.publish(bgr, arrival.header)

    def _refuse(self, camera: Camera, count: str, error: Exception) -> None:
        if not self._node.context.ok():  # a signal has ended ROS, so nothing can be published
            camera.figures.counts['dropped_at_stop'] += 1
            return
        camera.refuse(error, count)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)


def _image_of(sample: Sample) -> NDArray[Any] | None:
    """Return the image of a frame, uint8 (H, W, 3) BGR; None for other samples."""
    return to_bgr(sample.pixels, sample.encoding) if isinstance(sample, Frame) else None
