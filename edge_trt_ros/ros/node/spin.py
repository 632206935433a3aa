# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs nodes as a process: sets up the transport, starts rclpy and spins the nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.answers import is_shutdown
from edge_trt_ros.ros.node.log_bridge import log_through
from edge_trt_ros.ros.node.transport import prepare_transport


def spin_nodes(makers: Sequence[Callable[[], Any]],
               spinning: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
    """
    Run nodes on one executor until SIGINT or SIGTERM, and release their resources.

    :param makers: each creates a node; its `release` is called at the end.
    :param spinning: a context that is open while they spin.
    :raises ConfigurationError: if the ROS arguments of the process are invalid.
    """
    prepare_transport()
    _start_ros()
    executor = SingleThreadedExecutor()
    with ExitStack() as stack:
        stack.callback(rclpy.try_shutdown)
        nodes = [make() for make in makers]
        for node in nodes:
            executor.add_node(node)
            stack.callback(node.destroy_node)
            stack.callback(executor.remove_node, node)
            stack.callback(node.release)
        with spinning(), log_through(nodes[0].get_logger()), suppress(
                KeyboardInterrupt, ExternalShutdownException):
            _spin(executor)


def _spin(executor: SingleThreadedExecutor) -> None:
    try:
        executor.spin()
    except Exception as error:
        if not is_shutdown(error):
            raise


def _start_ros() -> None:
    try:
        rclpy.init()
    except Exception as error:  # RCLError, which rclpy keeps private, or UnknownROSArgsError
        cause = str(error).split(', at /')[0].removeprefix('failed to initialize rcl: ')
        raise ConfigurationError(f'ROS cannot read its arguments: {cause}; correct the YAML file '
                                 'or the command line') from error
