# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Forwards the package's Python log, with TensorRT's messages, to a ROS logger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import logging
from typing import Any

from rclpy.logging import LoggingSeverity

_PACKAGE = 'edge_trt_ros'


class RosLogHandler(logging.Handler):
    """
    Forwards records of every thread with their severity.

    :param ros_logger: a node's logger.
    """

    def __init__(self, ros_logger: Any) -> None:
        super().__init__()
        self._logger = ros_logger

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record."""
        text = record.getMessage()
        # Separate lines of code: rclpy rejects a call site whose severity changes.
        if record.levelno >= logging.CRITICAL:
            self._logger.fatal(text)
        elif record.levelno >= logging.ERROR:
            self._logger.error(text)
        elif record.levelno >= logging.WARNING:
            self._logger.warning(text)
        elif record.levelno >= logging.INFO:
            self._logger.info(text)
        else:
            self._logger.debug(text)


@contextmanager
def log_through(ros_logger: Any) -> Iterator[None]:
    """Forward the package's log to a ROS logger while the context is open."""
    log, handler = logging.getLogger(_PACKAGE), RosLogHandler(ros_logger)
    before = log.level
    is_debug = ros_logger.get_effective_level() <= LoggingSeverity.DEBUG
    # TensorRT writes thousands of verbose lines; format them only at level DEBUG.
    log.setLevel(logging.DEBUG if is_debug else logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)
