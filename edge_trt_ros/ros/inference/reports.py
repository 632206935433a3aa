# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Publishes the inference node's part of /diagnostics, and logs news of its server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.node import Node

from edge_trt_ros.ros.inference.camera import Camera
from edge_trt_ros.ros.inference.engine_age import EngineAge
from edge_trt_ros.ros.inference.metrics import Metrics, served_metrics
from edge_trt_ros.ros.inference.parameters import InferenceParameters
from edge_trt_ros.ros.inference.stream import InferenceStream
from edge_trt_ros.ros.inference.stream_status import ended_status, idle_status, stream_status
from edge_trt_ros.ros.node.status_messages import diagnostics_message


class Reports:
    """
    The node's publisher of /diagnostics.

    :param node: the node.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._age = EngineAge()
        self._metrics: Metrics | None = None
        self._publisher = node.create_publisher(DiagnosticArray, '/diagnostics', 10)

    def report(self, stream: InferenceStream | None, active: bool, enabled: bool, problem: str
               ) -> None:
        """
        Publish an entry for each input of an active node, else one for the node.

        :param stream: the stream of a configured node.
        :param active: whether the node is active.
        :param enabled: whether the stream is enabled by `~/enable`.
        :param problem: why the node could not be configured; '' if it could.
        """
        name = self._node.get_fully_qualified_name().lstrip('/')
        if stream and active:
            self._age.look(stream.settings)
            statuses = [stream_status(name, camera, stream.settings.of(camera.name), enabled,
                                      self._age.problem)
                        for camera in stream.cameras.values()]
        else:
            statuses = [idle_status(name, stream is not None, problem)]
        watch = stream.settings.opened.watch if stream else None
        for sentence in watch.news() if watch else ():
            self._node.get_logger().warning(sentence)
        self._publish(statuses)

    @contextmanager
    def served(self, parameters: InferenceParameters) -> Iterator[None]:
        """
        Serve the figures for Prometheus, if it is asked for, while the context is open.

        :param parameters: the node's parameters, with port and address.
        :raises ConfigurationError: if the port cannot be opened.
        :raises MissingLibraryError: if prometheus_client is not installed.
        """
        if not parameters.metrics_port:
            yield
            return
        with served_metrics(parameters.metrics_port, parameters.metrics_address) as metrics:
            self._metrics = metrics
            try:
                yield
            finally:
                self._metrics = None

    def report_end(self, camera: Camera) -> None:
        """Publish the last counts of an input that no longer runs; not after a signal."""
        if self._node.context.ok():
            self._publish([ended_status(self._node.get_fully_qualified_name().lstrip('/'),
                                        camera)])

    def _publish(self, statuses: list[DiagnosticStatus]) -> None:
        if self._metrics:
            self._metrics.take(statuses)
        self._publisher.publish(diagnostics_message(
            self._node.get_clock().now().to_msg(), statuses))
