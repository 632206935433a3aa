# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The node with its engine on a real Triton server that dies and returns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from support.graph import Graph
from support.triton import free_port, NEEDS_TRITON, running, TritonServer

from edge_trt_ros.convert.serve.repository import write_served_model
from edge_trt_ros.engine_file import read_engine
from edge_trt_ros.ros.inference.node import InferenceNode

pytest.importorskip('tritonclient.grpc', reason='served engines need tritonclient[grpc]')


@pytest.fixture
def server(engine: Path, tmp_path: Path) -> Iterator[TritonServer]:
    repository = tmp_path / 'models'
    write_served_model(repository, 'tiny', *read_engine(engine), backend='python')
    with running(repository, 'tiny') as started:
        yield started


def start(ros: Graph, url: str, **parameters: Any) -> InferenceNode:
    """Return an active node whose engine is on a server."""
    node = ros.add(InferenceNode, backend='kserve', server_url=url, server_model='tiny',
                   confidence_threshold=0.1, **parameters)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    return node


def values(status: Any) -> dict[str, str]:
    return {entry.key: entry.value for entry in status.values}


@NEEDS_TRITON
def test_with_a_fallback_every_image_is_answered(
        ros: Graph, engine: Path, server: TritonServer, next_status: Any) -> None:
    start(ros, server.url, engine_file_path=str(engine), fallback_engine_file_path=str(engine))
    ros.answer()
    found = values(next_status(lambda status: values(status).get('frames_go_to') == 'server'))
    assert found['server_url'] == server.url and 'shared memory' in found['backend_reason']
    server.kill()
    for _ in range(5):
        ros.answer()
    status = next_status(lambda status: values(status).get('frames_go_to') == 'local engine')
    assert status.level == status.WARN and 'frames go to the local engine' in status.message
    server.start()
    message = ros.send()

    def is_back(status: Any) -> bool:
        ros.images.publish(message)
        return values(status).get('frames_go_to') == 'server'
    status = next_status(is_back)
    assert values(status)['server_switches'] == '2'
    ros.answer()


@NEEDS_TRITON
def test_without_a_fallback_the_node_reports_and_recovers(
        ros: Graph, server: TritonServer, next_status: Any) -> None:
    node = start(ros, server.url)
    ros.answer()
    server.kill()
    ros.send()
    status = next_status(lambda status: status.level == status.ERROR)
    assert '[server_unreachable]' in status.message and node.state_label == 'active'
    server.start()
    next_status(lambda status: values(status).get('frames_go_to') == 'server')
    ros.answer()


def test_a_server_that_is_not_there(ros: Graph, next_status: Any) -> None:
    node = ros.add(InferenceNode, backend='kserve', server_model='tiny',
                   server_url=f'grpc://127.0.0.1:{free_port()}')
    assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
    status = next_status(lambda status: status.level == status.ERROR)
    assert '[server_unreachable]' in status.message and node.state_label == 'unconfigured'
