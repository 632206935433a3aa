# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The registry of topics and services is what running nodes create, no more and no less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rclpy.lifecycle import TransitionCallbackReturn
from support.graph import Graph, graph
from support.models import dense_model, save
from support.task_models import convolution_model

from edge_trt_ros.convert.build import build_engine
from edge_trt_ros.convert.options import BuildOptions
from edge_trt_ros.ros.builder.node import EngineBuilderNode
from edge_trt_ros.ros.inference.node import InferenceNode
from edge_trt_ros.ros.interfaces import BUILDER, DETECTIONS_3D, INFERENCE, Interface
from edge_trt_ros.ros.space.node import Detections3DNode
from edge_trt_ros.ros.tasks import TASKS
from edge_trt_ros.vision.tasks import TASKS as VISION_TASKS

# Every node of rclpy has these.
OF_RCLPY = ('/rosout', '/parameter_events', '/clock')
OF_TASKS = {topic for task in TASKS.values() for topic in task.topics}


@pytest.fixture
def ros() -> Iterator[Graph]:
    with graph() as running:
        yield running


def created(ros: Graph, node: Any) -> set[tuple[str, str, str]]:
    """Return kind, name and type of a node's topics and services, without those of rclpy."""
    ros.spin(0.5)
    name, space = node.get_name(), node.get_namespace()
    found = set()
    for kind, listed in (
            ('publishes', node.get_publisher_names_and_types_by_node(name, space)),
            ('subscribes', node.get_subscriber_names_and_types_by_node(name, space)),
            ('service', node.get_service_names_and_types_by_node(name, space))):
        found |= {(kind, full, types[0]) for full, types in listed
                  if full not in OF_RCLPY and not types[0].startswith(
                      ('rcl_interfaces/', 'lifecycle_msgs/', 'type_description_interfaces/'))}
    return found


def stated(node: Any, interfaces: tuple[Interface, ...], model: str = ''
           ) -> set[tuple[str, str, str]]:
    """Return kind, name and type of interfaces with the full names that a node resolves."""
    return {(listed.kind, node.resolve_service_name(listed.name.replace('<model>', model))
             if listed.kind == 'service' else node.resolve_topic_name(listed.name), listed.type)
            for listed in interfaces}


def test_detections_3d_node(ros: Graph) -> None:
    node = ros.add(Detections3DNode)
    assert created(ros, node) == stated(node, DETECTIONS_3D)


def test_engine_builder_node(ros: Graph, tmp_path: Path) -> None:
    node = ros.add(EngineBuilderNode, models=['road'], road__onnx_file_path=str(tmp_path / 'a'),
                   road__engine_file_path=str(tmp_path / 'b'))
    assert created(ros, node) == stated(node, BUILDER, 'road')


@pytest.mark.parametrize(
    'transport, topic', [('raw', 'image'), ('compressed', 'image/compressed')])
def test_inference_node(ros: Graph, tmp_path: Path, transport: str, topic: str) -> None:
    engine = tmp_path / 'tiny.engine'
    build_engine(save(dense_model(), tmp_path / 'tiny.onnx'), engine, BuildOptions())
    node = ros.add(InferenceNode, engine_file_path=str(engine), image_transport=transport)
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    expected = tuple(listed for listed in INFERENCE
                     if (listed.kind != 'subscribes' or listed.name == topic)
                     and (not listed.tasks or 'detect' in listed.tasks))
    assert created(ros, node) == stated(node, expected)


def test_inference_node_with_cameras(ros: Graph, tmp_path: Path) -> None:
    engine = tmp_path / 'tiny.engine'
    build_engine(save(dense_model(), tmp_path / 'tiny.onnx'), engine, BuildOptions())
    node = ros.add(InferenceNode, engine_file_path=str(engine), cameras=['front'])
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    expected = tuple(
        replace(listed, name=listed.name.replace('<camera>', 'front') if '<' in listed.name
                else f'front/{listed.name}' if listed.name[0] not in '/~' else listed.name)
        for listed in INFERENCE if (listed.kind != 'subscribes' or '<camera>' in listed.name)
        and (not listed.tasks or 'detect' in listed.tasks))
    assert created(ros, node) == stated(node, expected)


def test_depth_reads_camera_info_as_well(ros: Graph, tmp_path: Path) -> None:
    engine = tmp_path / 'tiny.engine'
    model = convolution_model((1, 1, 8, 8), {'task': 'depth'}, 'Exp')
    build_engine(save(model, tmp_path / 'tiny.onnx'), engine, BuildOptions(depth='metric'))
    node = ros.add(InferenceNode, engine_file_path=str(engine))
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    expected = tuple(listed for listed in INFERENCE
                     if (not listed.tasks or 'depth' in listed.tasks)
                     and listed.name != 'image/compressed' and '<' not in listed.name)
    assert created(ros, node) == stated(node, expected)


@pytest.mark.parametrize('name', TASKS)
def test_topics_of_tasks(name: str) -> None:
    types = {topic: '/'.join((*form.kind.__module__.split('.')[:2], form.kind.__name__))
             for topic, form in TASKS[name].topics.items()}
    assert types == {listed.name: listed.type for listed in INFERENCE
                     if name in listed.tasks and listed.kind == 'publishes'}


def test_tasks_of_interfaces_exist() -> None:
    assert {name for listed in INFERENCE for name in listed.tasks} <= set(VISION_TASKS)
    assert OF_TASKS <= {listed.name for listed in INFERENCE}
