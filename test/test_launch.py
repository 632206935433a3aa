# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The launch files: their arguments have descriptions, and they start the right nodes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

LAUNCH = Path(__file__).resolve().parent.parent / 'launch'
needs_launch = pytest.mark.skipif(
    importlib.util.find_spec('launch_ros') is None,
    reason='launch and launch_ros have no wheels; a ROS 2 installation contains them')


def description(name: str) -> Any:
    """Return the launch description of a launch file."""
    spec = importlib.util.spec_from_file_location('launch_file', LAUNCH / name)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.generate_launch_description()


def test_launch_files_exist() -> None:
    assert {path.name for path in LAUNCH.iterdir() if path.suffix == '.py'} == {
        'inference.launch.py', 'builder.launch.py', 'demo.launch.py', 'multi_camera.launch.py'}


@needs_launch
@pytest.mark.parametrize('name, arguments, executables', [
    ('inference.launch.py', {'image_topic', 'engine_file_path', 'params_file', 'namespace',
                             'autostart', 'use_isaac_names', 'node_name', 'log_level'},
     {'inference_node'}),
    ('builder.launch.py', {'params_file', 'namespace', 'node_name', 'log_level'},
     {'engine_builder_node'}),
    ('demo.launch.py', {'seconds', 'output_directory', 'rate_hz', 'seed'},
     {'engine_builder_node', 'inference_node', 'synthetic_camera', 'scoreboard'}),
])
def test_launch_arguments_and_nodes(name: str, arguments: set[str], executables: set[str]) -> None:
    from launch.actions import DeclareLaunchArgument
    from launch_ros.actions import Node
    entities = description(name).entities
    declared = [entity for entity in entities if isinstance(entity, DeclareLaunchArgument)]
    assert {argument.name for argument in declared} == arguments
    assert all(len(argument.description) > 10 for argument in declared)
    nodes = [entity for entity in entities if isinstance(entity, Node)]
    assert {node.node_executable for node in nodes} == executables
    assert {node.node_package for node in nodes} == {'edge_trt_ros'}


@needs_launch
@pytest.mark.parametrize('name', ['inference.launch.py', 'builder.launch.py'])
def test_a_params_file_is_an_argument_of_the_node(name: str) -> None:
    # Launch warns if a file among its `parameters` does not exist, and starts the node without.
    from launch import LaunchContext
    from launch.substitutions import LaunchConfiguration
    from launch.utilities import perform_substitutions
    from launch_ros.actions import Node
    node = next(entity for entity in description(name).entities if isinstance(entity, Node))
    arguments = [part.variable_name for parts in node.cmd for part in parts
                 if isinstance(part, LaunchConfiguration)]
    context = LaunchContext()
    assert 'params_file' in [perform_substitutions(context, name) for name in arguments]


@needs_launch
def test_cameras_and_their_topics_are_arguments() -> None:
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument, OpaqueFunction
    from launch_ros.actions import Node
    entities = description('multi_camera.launch.py').entities
    context = LaunchContext()
    for entity in entities:
        if isinstance(entity, DeclareLaunchArgument):
            assert len(entity.description) > 10
            context.launch_configurations[entity.name] = ''
    context.launch_configurations['cameras'] = 'front, left'
    context.launch_configurations['image_topics'] = '/a/image,/b/image'
    (make,) = [entity for entity in entities if isinstance(entity, OpaqueFunction)]
    (node,) = make.execute(context)
    assert isinstance(node, Node) and node.node_executable == 'inference_node'
    context.launch_configurations['image_topics'] = '/a/image'
    with pytest.raises(ValueError, match='1 topics for 2 cameras'):
        make.execute(context)
