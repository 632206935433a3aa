# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The package's Python log is forwarded to the ROS logger, with severities."""

from __future__ import annotations

import logging
from threading import Thread

import pytest
import rclpy.logging
from rclpy.logging import LoggingSeverity

from edge_trt_ros.ros.node.log_bridge import log_through
from edge_trt_ros.runtime.tensorrt.library import installed_tensorrt, library_logger, load_tensorrt

LOG = logging.getLogger('edge_trt_ros.test')


def test_each_record_keeps_its_severity(capfd: pytest.CaptureFixture[str]) -> None:
    ros_logger = rclpy.logging.get_logger('bridge_test')
    with log_through(ros_logger):
        for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO,
                      logging.DEBUG):
            LOG.log(level, 'of %s', logging.getLevelName(level))
        thread = Thread(target=lambda: LOG.warning('from another thread'))
        thread.start()
        thread.join()
    LOG.warning('after the end')
    err = capfd.readouterr().err
    for ros, python in (('FATAL', 'CRITICAL'), ('ERROR', 'ERROR'), ('WARN', 'WARNING'),
                        ('INFO', 'INFO')):
        assert any(f'[{ros}]' in line and f'of {python}' in line for line in err.splitlines())
    assert 'of DEBUG' not in err and 'from another thread' in err
    assert not any('bridge_test' in line and 'after the end' in line for line in err.splitlines())


def test_debug_records_are_forwarded_at_level_debug(capfd: pytest.CaptureFixture[str]) -> None:
    ros_logger = rclpy.logging.get_logger('bridge_debug')
    ros_logger.set_level(LoggingSeverity.DEBUG)
    with log_through(ros_logger):
        LOG.debug('a verbose line')
    assert 'a verbose line' in capfd.readouterr().err


@pytest.mark.skipif(not installed_tensorrt(), reason='no TensorRT is installed')
def test_tensorrt_messages_are_forwarded(capfd: pytest.CaptureFixture[str]) -> None:
    library = load_tensorrt(installed_tensorrt())
    with log_through(rclpy.logging.get_logger('bridge_trt')):
        logger = library_logger(library)
        builder = library.module.Builder(logger)
        network = builder.create_network(0)
        parser = library.module.OnnxParser(network, logger)
        assert not parser.parse(b'no ONNX')
    err = capfd.readouterr().err
    assert any('[ERROR]' in line and 'bridge_trt' in line for line in err.splitlines()), err
