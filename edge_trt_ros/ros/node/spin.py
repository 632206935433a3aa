# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs a node as a process: sets up the transport, starts rclpy and spins the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from edge_trt_ros.errors import ConfigurationError
from edge_trt_ros.ros.node.log_bridge import log_through
from edge_trt_ros.ros.node.transport import prepare_transport


def spin_node(make_node: Callable[[], Any], started: Callable[[], None] = lambda: None) -> None:
    """
    Run a node until SIGINT or SIGTERM, and release its resources.

    :param make_node: creates the node; its `release` is called at the end.
    :param started: called when the node exists.
    :raises ConfigurationError: if the ROS arguments of the process are invalid.
    """
    prepare_transport()
    _start_ros()
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        started()
        with log_through(node.get_logger()):
            executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.release()
        executor.remove_node(node)
        node.destroy_node()
        rclpy.try_shutdown()


def _start_ros() -> None:
    try:
        rclpy.init()
    except Exception as error:  # RCLError, which rclpy keeps private, or UnknownROSArgsError
        cause = str(error).split(', at /')[0].removeprefix('failed to initialize rcl: ')
        raise ConfigurationError(f'ROS cannot read its arguments: {cause}; correct the YAML file '
                                 'or the command line') from error
