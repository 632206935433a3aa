"""Configure and activate without a lifecycle manager, and again when the engine appears."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn

from edge_trt_ros.engine_file import next_manifest_path
from edge_trt_ros.manifest import manifest_path

Signature = tuple[object, ...]


class Autostart:
    """
    Brings a node to active once; after a failure, whenever its engine file has changed.

    From then on the node's state is the operator's: it is not brought back from a
    deactivation.

    :param node: the node to start.
    :param wanted: whether to start it at all.
    :param engine_file_path: the file that configuring depends on.
    :param period_s: how often to look.
    """

    def __init__(self, node: LifecycleNode, wanted: Callable[[], bool],
                 engine_file_path: Callable[[], str], period_s: float = 1.0) -> None:
        self._node = node
        self._wanted = wanted
        self._engine_file_path = engine_file_path
        self._tried: Signature | None = None
        self._timer = node.create_timer(0.0, self._first_look)
        self._period_s = period_s

    def try_again(self) -> None:
        """Look again at the next turn, whether or not the file has changed."""
        self._tried = None

    def _first_look(self) -> None:
        # Only once the executor spins: transitions are not for a half-made node.
        self._node.destroy_timer(self._timer)
        self._timer = self._node.create_timer(self._period_s, self._look)
        self._look()

    def _look(self) -> None:
        if not self._wanted():
            return
        signature = _signature(self._engine_file_path())
        if signature == self._tried:
            return
        self._tried = signature
        if self._node.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self._node.destroy_timer(self._timer)
            self._node.trigger_activate()
        else:
            self._node.get_logger().info('autostart tries again when the engine file or a '
                                         'parameter changes')


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
