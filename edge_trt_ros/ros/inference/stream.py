# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Runs messages through an engine: images or texts in, results and overlays out.

A stream exists from configure to cleanup and runs from activate to deactivate. The thread of the
subscription enqueues messages; the worker's thread does everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from time import perf_counter
from types import MappingProxyType
from typing import Any

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.inference.arrivals import Arrival
from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.inference.processing import Processing
from edge_trt_ros.ros.inference.settings import StreamSettings
from edge_trt_ros.ros.inference.worker import NewestFrameWorker
from edge_trt_ros.ros.node.transport import return_free_blocks

# The interpreter's own interval for switching threads: never wait longer than without waiting.
_MAX_SUBMIT_S = 0.005


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
        self._processing = Processing(node)
        self._changing, self._in_work = Lock(), Lock()
        self._worker: NewestFrameWorker[Arrival] | None = None
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
        :raises ConfigurationError: if its task or its input topics differ.
        """
        with self._changing:
            old = self.settings
            old_task, new_task = old.runtime.manifest.task, new.runtime.manifest.task
            if old_task != new_task or _topics(old) != _topics(new):
                raise ConfigurationError(
                    f"the new engine has the task '{new_task}' and reads {_topics(new)}, the old "
                    f"engine has the task '{old_task}' and reads {_topics(old)}: clean up "
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
        """Process messages from `offer`; a state starts with its initial values."""
        self.settings.runtime.reset_state()
        self._worker = NewestFrameWorker(
            self._process, 'inference', self.settings.input.most_waiting,
            lambda: self.settings.runtime.max_batch)

    def reset_state(self) -> str:
        """
        Give the states of the network their initial values, between two messages.

        :returns: what was done, as a sentence.
        :raises ConfigurationError: if the network has none.
        """
        with self._in_work:
            states = self.settings.runtime.manifest.states
            if not states:
                raise ConfigurationError('the network has no state: its tensor contract names '
                                         'none', code='state_missing')
            self.settings.runtime.reset_state()
        return f"{', '.join(state.tensor for state in states)}: as at the start"

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
        arrival = Arrival(camera, message, header, perf_counter())
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
        return_free_blocks()

    def _process(self, arrivals: Sequence[Arrival]) -> None:
        with self._in_work:
            self._processing.run(arrivals, self.settings)


def _topics(settings: StreamSettings) -> str:
    return ', '.join(source.topic for source in (settings.input, *settings.input.beside))
