# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The SROS 2 policy allows what running nodes use, no more and no less; enforcement is not run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from std_srvs.srv import Trigger
from support.graph import Graph, graph
from support.models import dense_model, save

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.space.node import Detections3DNode

POLICY = Path(__file__).resolve().parents[3] / 'config' / 'sros2_policy.xml'
RELOAD = '/inference/reload'
Allowed = set[tuple[str, str]]


@pytest.fixture
def ros() -> Iterator[Graph]:
    with graph() as running:
        yield running


def policy() -> dict[str, Allowed]:
    """Return what the policy allows, by enclave: 'publish', 'request' and so on, and a name."""
    enclaves: dict[str, Allowed] = {}
    for enclave in ElementTree.parse(POLICY).getroot().iter('enclave'):
        (profile,) = enclave.iter('profile')
        node = profile.attrib['node']
        assert enclave.attrib['path'] == f'/{node}' and profile.attrib['ns'] == '/'
        listed = [(action, str(entry.text)) for group in profile for action in group.attrib
                  for entry in group]
        assert set(group.attrib[action] for group in profile for action in group.attrib) == {
            'ALLOW'}
        assert len(set(listed)) == len(listed)
        enclaves[node] = set(listed)
    return enclaves


def used(ros: Graph, node: Any) -> Allowed:
    """Return what a node has in the graph."""
    ros.spin(0.5)
    own = (node.get_name(), node.get_namespace())
    return {(action, name) for action, listed in (
        ('publish', ros.peer.get_publisher_names_and_types_by_node(*own)),
        ('subscribe', ros.peer.get_subscriber_names_and_types_by_node(*own)),
        ('reply', ros.peer.get_service_names_and_types_by_node(*own)),
        ('request', ros.peer.get_client_names_and_types_by_node(*own))) for name, _ in listed}


def test_inference_node(ros: Graph, tmp_path: Path) -> None:
    engine = tmp_path / 'm.engine'
    build_engine(save(dense_model(), tmp_path / 'm.onnx'), engine, BuildOptions())
    node = ros.add(InferenceNode, engine_file_path=str(engine))
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    assert used(ros, node) == policy()['inference']


def test_engine_builder_node(ros: Graph, tmp_path: Path) -> None:
    save(dense_model(), tmp_path / 'm.onnx')
    node = ros.add(EngineBuilderNode, models=['detector'],
                   detector__onnx_file_path=str(tmp_path / 'm.onnx'),
                   detector__engine_file_path=str(tmp_path / 'm.engine'),
                   detector__reload_service=RELOAD)
    client = ros.peer.create_client(Trigger, 'engine_builder/detector/build')
    ros.until(client.service_is_ready)
    client.call_async(Trigger.Request())
    # The client exists only during the call after a build.
    own = (node.get_name(), node.get_namespace())
    ros.until(lambda: RELOAD in dict(ros.peer.get_client_names_and_types_by_node(*own)))
    assert used(ros, node) == policy()['engine_builder']


def test_detections_3d_node(ros: Graph) -> None:
    assert used(ros, ros.add(Detections3DNode)) == policy()['detections_3d']
