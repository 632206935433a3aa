# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Opens and closes engines on a thread, which can take seconds; the node spins meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from traceback import clear_frames

from rclpy.node import Node
from rclpy.task import Future

from edge_trt_ros.ros.inference.camera_parameters import AllParameters
from edge_trt_ros.ros.inference.settings import open_settings, StreamSettings


class EngineOpener:
    """
    Opens or closes one engine at a time on its own thread.

    :param node: the node whose executor runs the callers of `opened`.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._thread = ThreadPoolExecutor(1, thread_name_prefix='open_engine')

    async def opened(self, parameters: Callable[[], AllParameters]
                     ) -> futures.Future[StreamSettings]:
        """
        Return a finished future of an opened engine, or of the error.

        :param parameters: returns the node's parameters.
        """
        opening = self._thread.submit(_open, parameters)
        executor = self._node.executor  # the node has none any more once a signal has ended it
        done = Future(executor=executor)
        # Its result is not `opening`: this cycle would keep the engine that is replaced until the
        # next garbage collection.
        opening.add_done_callback(
            lambda ended: executor.create_task(done.set_result, None))
        await done
        return opening

    def close(self, work: Callable[[], None]) -> None:
        """
        Run a function that closes an engine, before the next engine is opened.

        :param work: the function; must not raise.
        """
        self._thread.submit(work)


def _open(parameters: Callable[[], AllParameters]) -> StreamSettings:
    try:
        read = parameters()
        return open_settings(read.node, read.cameras)
    except Exception as error:
        clear_frames(error.__traceback__)  # they hold the bytes of the engine
        raise
