# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Opens a served network, with or without a local engine next to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from edge_trt_ros.engine_file import read_manifest
from edge_trt_ros.runtime.kserve.fallback import WithFallback
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime
from edge_trt_ros.runtime.pipeline import warm_up
from edge_trt_ros.runtime.select import OpenedRuntime
from edge_trt_ros.signature import PublicKeys


def open_served(options: ServerOptions, engine_path: Path | None = None,
                fallback: OpenedRuntime | None = None, keys: PublicKeys | None = None
                ) -> OpenedRuntime:
    """
    Open a network on a server.

    :param options: the model on its server.
    :param engine_path: an engine whose manifest the served model must have; None accepts any
        model of ours.
    :param fallback: the local engine for the time in which the server cannot be used; closed
        with the result, and after an error. With it, the server may be missing at first.
    :param keys: the keys that may sign the manifest of `engine_path`; None accepts an engine
        without a signature.
    :raises ServerError: if the server or the model cannot be used.
    :raises ConfigurationError: if the tasks or labels of the two engines differ.
    :raises ManifestError: if the manifest of `engine_path` cannot be read.
    """
    remote = None
    try:
        expected = read_manifest(engine_path, keys) if engine_path else None
        if fallback is not None:
            warm_up(fallback.runtime)  # the first image after a failure must not be slow
        remote = KServeRuntime(options, expected, may_wait=fallback is not None)
        if fallback is None:
            return OpenedRuntime(remote, remote.reason, ServerWatch(remote, None))
        both = WithFallback(remote, fallback.runtime)
        return OpenedRuntime(both, remote.reason, ServerWatch(remote, both))
    except BaseException:
        if remote is not None:
            remote.close()
        if fallback is not None:
            fallback.runtime.close()
        raise


class ServerWatch:
    """
    What diagnostics and logs say about a served network (see `runtime.select.Watch`).

    :param remote: the served network.
    :param both: the same with its local engine; None without one.
    """

    def __init__(self, remote: KServeRuntime, both: WithFallback | None) -> None:
        self._remote, self._both = remote, both

    def problem(self) -> str:
        """See `Watch.problem`."""
        if self._both is not None:
            return f'frames go to the local engine: {self._both.problem}' \
                if self._both.problem else ''
        return str(self._remote.link.problem or '')

    def news(self) -> list[str]:
        """See `Watch.news`."""
        return (self._both or self._remote.link).news()

    def figures(self) -> Mapping[str, object]:
        """See `Watch.figures`."""
        on_server = self._both.on_server if self._both else self._remote.link.session is not None
        local = 'local engine' if self._both else 'nowhere'
        return {'backend_reason': self._remote.reason, 'server_url': self._remote.options.url,
                'server_model': self._remote.options.model,
                'frames_go_to': 'server' if on_server else local,
                'server_losses': self._remote.link.losses,
                'server_switches': self._both.switches if self._both else 0}
