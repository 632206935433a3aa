# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Serves the figures of /diagnostics for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.optional_libraries import require
from edge_trt_ros.ros.inference.stream_status import COUNTS

_PREFIX = 'edge_trt_ros_'
_LABELS = ('node', 'input')


class Metrics:
    """The latest figures of each input; prometheus_client calls `collect` on its own thread."""

    def __init__(self, library: Any) -> None:
        self._library = library
        self._statuses: Sequence[DiagnosticStatus] = ()

    def take(self, statuses: Sequence[DiagnosticStatus]) -> None:
        """
        Replace the figures.

        :param statuses: the entries of /diagnostics, one for each input.
        """
        self._statuses = statuses

    def collect(self) -> list[Any]:
        """Return a metric for each figure, with a sample for each input."""
        families: dict[str, Any] = {}
        for status in self._statuses:
            labels = status.name.split(': ', 1)
            figures = {'health_level': str(status.level[0])} | {
                entry.key: entry.value for entry in status.values}
            for name, text in figures.items():
                try:
                    value = float(text)
                except ValueError:
                    continue  # a text, such as the hash of the engine
                self._family(families, name).add_metric(labels, value)
        return list(families.values())

    def _family(self, families: dict[str, Any], name: str) -> Any:
        if name not in families:
            kind = self._library.CounterMetricFamily if name in COUNTS \
                else self._library.GaugeMetricFamily
            families[name] = kind(_PREFIX + name, f'{name} of /diagnostics', labels=_LABELS)
        return families[name]


@contextmanager
def served_metrics(port: int, address: str) -> Iterator[Metrics]:
    """
    Serve metrics at http://ADDRESS:PORT/metrics while the context is open.

    :param port: TCP port.
    :param address: address of this machine to listen on.
    :raises ConfigurationError: if the port cannot be opened.
    :raises MissingLibraryError: if prometheus_client is not installed.
    """
    client = require('prometheus_client', 'metrics_port')
    metrics = Metrics(require('prometheus_client.core', 'metrics_port'))
    registry = client.CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = client.start_http_server(port, address, registry)
    except OSError as error:
        raise ConfigurationError(
            f'the port {port} on {address} cannot be opened ({error.strerror}): set metrics_port '
            'to a free port and metrics_address to an address of this machine') from error
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
