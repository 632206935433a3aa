# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Configures and activates a node without a lifecycle manager, once its engine exists."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic

from rclpy.lifecycle import TransitionCallbackReturn

from edge_trt_ros.engine_file import next_manifest_path
from edge_trt_ros.manifest import manifest_path
from edge_trt_ros.ros.node.managed_node import ManagedNode
from edge_trt_ros.ros.node.steady import create_steady_timer

Signature = tuple[object, ...]
_SERVER_PERIOD_S = 5.0


class Autostart:
    """
    Activates a node once. After a failure it retries when the engine file changes.

    With an engine on a server it retries every few seconds as well.

    It never reverts a transition of the operator: it ends when the operator changes the state
    first, and a node that was active once is not activated again.

    :param node: the node to start.
    :param wanted: returns whether to start it.
    :param engine_file_path: returns the path of the engine file.
    :param on_server: returns whether a server runs the engine: its failures pass by themselves.
    :param period_s: period of the checks in seconds.
    """

    def __init__(self, node: ManagedNode, wanted: Callable[[], bool],
                 engine_file_path: Callable[[], str],
                 on_server: Callable[[], bool] = lambda: False, period_s: float = 1.0) -> None:
        self._node = node
        self._wanted = wanted
        self._engine_file_path = engine_file_path
        self._on_server = on_server
        self._tried: Signature | None = None
        self._timer = create_steady_timer(node, 0.0, self._first_look)
        self._period_s = period_s

    def try_again(self) -> None:
        """Retry at the next check, even if the file has not changed."""
        self._tried = None

    def _first_look(self) -> None:
        # A timer, since the node is not fully constructed before the executor spins.
        self._node.destroy_timer(self._timer)
        self._timer = create_steady_timer(self._node, self._period_s, self._look)
        self._look()

    def _look(self) -> None:
        if self._node.is_operated or self._node.state_label != 'unconfigured':
            self._node.destroy_timer(self._timer)
            return
        if not self._wanted():
            return
        signature = _signature(self._engine_file_path())
        if self._on_server():
            signature = (*signature, int(monotonic() / _SERVER_PERIOD_S))
        if signature == self._tried:
            return
        self._tried = signature
        if self._node.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self._node.destroy_timer(self._timer)
            self._node.trigger_activate()
        else:
            self._node.get_logger().info('autostart retries when the engine file or a parameter '
                                         'changes')


def _signature(engine_file_path: str) -> Signature:
    engine = Path(engine_file_path)
    parts: list[object] = [engine_file_path]
    for path in (engine, manifest_path(engine) if engine.name else engine,
                 next_manifest_path(engine) if engine.name else engine):
        try:
            status = path.stat()
            parts += [status.st_mtime_ns, status.st_size]
        except OSError:
            parts.append(None)
    return tuple(parts)
