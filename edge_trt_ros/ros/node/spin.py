# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Runs a node as a process: sets up the transport, starts rclpy and spins the node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

from edge_trt_ros.ros.node.log_bridge import log_through
from edge_trt_ros.ros.node.transport import prepare_transport


def spin_node(make_node: Callable[[], Any], arguments: list[str] | None = None) -> None:
    """
    Run a node until SIGINT or SIGTERM, and release its resources.

    :param make_node: creates the node; its `release` is called at the end.
    :param arguments: command line with `--ros-args`; None uses the process's command line.
    """
    prepare_transport()
    rclpy.init(args=arguments)
    node = make_node()
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        with log_through(node.get_logger()):
            executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        node.release()
        executor.remove_node(node)
        node.destroy_node()
        rclpy.try_shutdown()
