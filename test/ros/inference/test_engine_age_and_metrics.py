# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""An outdated engine is reported, a hot GPU too, and the figures are served for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import socket
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from diagnostic_msgs.msg import DiagnosticStatus
import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from support.graph import Graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.inference.health import health, Surroundings
from edge_trt_ros.ros.inference.node import InferenceNode

Start = Callable[..., InferenceNode]


def test_another_engine_is_installed_and_not_reloaded(
        ros: Graph, next_status: Any, active_node: Start, engine: Path) -> None:
    active_node(health_check_engine=True)
    ros.answer()
    build_engine(save(dense_model(classes=5), engine.with_suffix('.onnx')), engine,
                 BuildOptions())
    status = next_status(lambda status: 'another engine' in status.message)
    assert status.level == DiagnosticStatus.WARN and 'call ~/reload' in status.message
    assert ros.call(Trigger, 'inference/reload').success
    ros.answer()
    next_status(lambda status: 'another engine' not in status.message)


def test_the_onnx_file_has_changed_since_the_build(
        ros: Graph, next_status: Any, active_node: Start, engine: Path) -> None:
    onnx = engine.with_suffix('.onnx')
    active_node(health_onnx_file_path=str(onnx))
    ros.answer()
    assert next_status(lambda status: 'per second' in status.message).level == \
        DiagnosticStatus.OK
    save(dense_model(classes=5), onnx)
    status = next_status(lambda status: 'not built from' in status.message)
    assert status.level == DiagnosticStatus.WARN and 'build_engine' in status.message
    onnx.unlink()
    next_status(lambda status: 'cannot be read (No such file' in status.message)


def test_the_library_has_another_version_than_the_builder(
        ros: Graph, next_status: Any, active_node: Start) -> None:
    node = active_node(health_check_engine=True)
    stream = node._stream
    stream.settings = replace(stream.settings, opened=replace(
        stream.settings.opened, library_version='0.1'))
    assert 'but 0.1 runs it' in next_status(lambda status: 'is built with' in status.message
                                            ).message


@pytest.mark.parametrize('hot_c, level', [
    (79.0, DiagnosticStatus.OK), (81.0, DiagnosticStatus.WARN), (90.0, DiagnosticStatus.ERROR)])
def test_a_hot_gpu(active_node: Start, hot_c: float, level: bytes) -> None:
    node = active_node(health_max_gpu_temperature_c=80.0)
    stream = node._stream
    camera = stream.cameras['']
    found, message = health(camera, stream.settings, False, camera.figures.since_last_report(),
                            Surroundings(gpu_temperature_c=hot_c))
    assert found == level
    assert (f'the GPU has {hot_c:.0f} degrees' in message) == (level != DiagnosticStatus.OK)


@pytest.fixture()
def port() -> int:
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        return int(taken.getsockname()[1])


def test_figures_are_served_for_prometheus_on_this_machine_only(
        ros: Graph, next_status: Any, active_node: Start, port: int) -> None:
    pytest.importorskip('prometheus_client', reason='optional library')
    node = active_node(metrics_port=port)
    ros.answer()
    next_status(lambda status: 'per second' in status.message)
    text = urlopen(f'http://127.0.0.1:{port}/metrics').read().decode()
    labels = '{input="inference",node="inference"}'
    assert f'edge_trt_ros_received_total{labels} 1.0' in text
    assert f'edge_trt_ros_health_level{labels} 0.0' in text
    assert 'edge_trt_ros_network_ms_p99' in text and 'engine_sha256' not in text
    with pytest.raises(URLError):
        urlopen(f'http://{_other_address()}:{port}/metrics', timeout=2)
    other = ros.add(InferenceNode, **{'engine_file_path': node.get_parameter(
        'engine_file_path').value, 'metrics_port': port})
    assert other.trigger_configure() == TransitionCallbackReturn.FAILURE
    assert f'the port {port} on 127.0.0.1' in other._configure_problem
    other.set_parameters([Parameter('metrics_port', value=0)])
    node.trigger_deactivate()
    node.trigger_cleanup()
    with pytest.raises(URLError):
        urlopen(f'http://127.0.0.1:{port}/metrics', timeout=2)


def _other_address() -> str:
    """Return an address of the loopback device that the endpoint must not listen on."""
    return '127.0.0.2'
