# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The builder node writes served models, and a real Triton server loads the new version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from rclpy.parameter import Parameter
from std_srvs.srv import Trigger
from support.frames import noise_frame
from support.graph import Graph, graph
from support.models import dense_model, save
from support.triton import free_port, NEEDS_TRITON, running, TritonServer

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.runtime.kserve.options import ServerOptions
from edge_trt_ros.runtime.kserve.served_model import read_served_folder
from edge_trt_ros.runtime.pipeline import detect
from edge_trt_ros.vision.thresholds import Thresholds

pytest.importorskip('tritonclient.grpc', reason='served engines need tritonclient[grpc]')
from edge_trt_ros.runtime.kserve.runtime import KServeRuntime  # noqa: E402, I100


@pytest.fixture
def ros() -> Iterator[Graph]:
    with graph() as started:
        yield started


def builder(ros: Graph, folder: Path, **parameters: Any) -> EngineBuilderNode:
    """Return a builder node whose model is served."""
    save(dense_model(), folder / 'road.onnx')
    return ros.add(EngineBuilderNode, **{
        'models': ['a'], 'a__onnx_file_path': str(folder / 'road.onnx'),
        'a__engine_file_path': str(folder / 'road.engine'),
        'a__serve_folder': str(folder / 'models'), 'a__serve_backend': 'python', **parameters})


def build(ros: Graph) -> Any:
    return ros.call(Trigger, 'engine_builder/a/build')


def test_a_built_engine_is_written_to_the_repository(ros: Graph, tmp_path: Path) -> None:
    node = builder(ros, tmp_path)
    answer = build(ros)
    assert answer.success and 'version 1 written' in answer.message, answer.message
    assert read_served_folder(tmp_path / 'models/road').served.manifest == read_engine(
        tmp_path / 'road.engine')[1]
    answer = build(ros)
    assert answer.success and 'version 1 there already' in answer.message
    # A server that is not there: the engine is built and written, and the answer says why.
    url = f'grpc://127.0.0.1:{free_port()}'
    (changed,) = node.set_parameters([Parameter('a.server_url', value=url)])
    assert changed.successful
    answer = build(ros)
    assert not answer.success and '[server_unreachable]' in answer.message
    node.set_parameters([Parameter('a.server_url', value='127.0.0.1')])
    assert '[server_address]' in build(ros).message
    node.set_parameters([Parameter('a.server_url', value=url),
                         Parameter('a.serve_folder', value='')])
    assert 'serve_folder is empty' in build(ros).message


@NEEDS_TRITON
def test_the_old_version_serves_until_the_new_one_is_ready(ros: Graph, tmp_path: Path) -> None:
    save(dense_model((96, 64)), tmp_path / 'road.onnx')
    build_engine(tmp_path / 'road.onnx', tmp_path / 'road.engine', BuildOptions())
    write_served_model(tmp_path / 'models', 'road', *read_engine(tmp_path / 'road.engine'),
                       backend='python')
    with running(tmp_path / 'models', 'road') as server:
        builder(ros, tmp_path, a__server_url=server.url)
        ended, problems, answered = Event(), list[Exception](), list[int]()

        def ask() -> None:
            with KServeRuntime(ServerOptions(server.url, 'road')) as runtime:
                while not ended.is_set():
                    try:
                        detect(runtime, noise_frame(), Thresholds(0.1))
                        answered.append(1)
                    except Exception as error:
                        problems.append(error)
                        return
        asking = Thread(target=ask)
        asking.start()
        answer = build(ros)
        assert answer.success and f'loaded on {server.url}' in answer.message, answer.message
        assert 'version 2 written' in answer.message
        asking.join(10)
        ended.set()
        check(server, answered, problems)


def check(server: TritonServer, answered: list[int], problems: list[Exception]) -> None:
    """Check that the old version answered until it was unloaded, and the new one serves."""
    assert len(answered) > 20
    # The client keeps to the version that it was opened with, which is unloaded in the end.
    assert [getattr(error, 'code', '') for error in problems] in ([], ['served_model_missing'])
    with KServeRuntime(ServerOptions(server.url, 'road')) as runtime:
        assert runtime.manifest.image_input.size_wh == (64, 64)
        assert 'version 2' in runtime.device_name
        detect(runtime, noise_frame(), Thresholds(0.1))
