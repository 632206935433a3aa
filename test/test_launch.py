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
        'inference.launch.py', 'builder.launch.py', 'demo.launch.py', 'multi_camera.launch.py',
        'two_networks.launch.py', 'nav2_lifecycle.launch.py', 'nav2_depth.launch.py',
        'nav2_segmentation.launch.py'}


@needs_launch
@pytest.mark.parametrize('name, arguments, executables', [
    ('builder.launch.py', {'params_file', 'namespace', 'node_name', 'log_level'},
     {'engine_builder_node'}),
    ('demo.launch.py', {'seconds', 'output_directory', 'rate_hz', 'seed'},
     {'engine_builder_node', 'inference_node', 'synthetic_camera', 'scoreboard'}),
    ('nav2_depth.launch.py', {'image_topic', 'camera_info_topic', 'engine_file_path',
                              'params_file', 'namespace', 'log_level'},
     {'inference_node', 'point_cloud_xyz_node'}),
    ('nav2_segmentation.launch.py', {'image_topic', 'engine_file_path', 'params_file',
                                     'namespace', 'log_level'}, {'inference_node'}),
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
    assert {node.node_package for node in nodes} - {'depth_image_proc'} == {'edge_trt_ros'}


@needs_launch
def test_a_params_file_is_an_argument_of_the_node() -> None:
    # Launch warns if a file among its `parameters` does not exist, and starts the node without.
    from launch_ros.actions import Node
    node = next(entity for entity in description('builder.launch.py').entities
                if isinstance(entity, Node))
    assert 'params_file' in configurations_of(node)
    assert 'params_file' in configurations_of(nodes_of('inference.launch.py')[0])


def configurations_of(node: Any) -> list[str]:
    """Return the launch arguments in the command line of a node."""
    from launch import LaunchContext
    from launch.substitutions import LaunchConfiguration
    from launch.utilities import perform_substitutions
    return [perform_substitutions(LaunchContext(), part.variable_name) for parts in node.cmd
            for part in parts if isinstance(part, LaunchConfiguration)]


def nodes_of(name: str, **arguments: str) -> list[Any]:
    """Return the nodes of a launch file with arguments, and of the files that it includes."""
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument
    from launch_ros.actions import Node
    context = LaunchContext()
    context.launch_configurations.update({'engine_file_path': 'm.engine', **arguments})
    found: list[Any] = []

    def visit(entities: Any) -> None:
        for entity in entities or ():
            if isinstance(entity, DeclareLaunchArgument):
                assert len(entity.description) > 10
            if isinstance(entity, Node):
                # Now, since the next group has other values of the arguments.
                entity._perform_substitutions(context)
                found.append(entity)
            else:
                visit(entity.visit(context))
    visit(description(name).entities)
    assert all(node.node_package in ('edge_trt_ros', 'nav2_lifecycle_manager') for node in found)
    return found


def remapped(node: Any) -> dict[str, str]:
    return {name: to for name, to in node.expanded_remapping_rules or ()}


@needs_launch
def test_the_inference_node_is_a_lifecycle_node_that_can_respawn() -> None:
    from launch_ros.actions import LifecycleNode
    (node,) = nodes_of('inference.launch.py', image_topic='/camera/image_raw', respawn='true')
    assert isinstance(node, LifecycleNode) and node.node_executable == 'inference_node'
    assert remapped(node) == {'image': '/camera/image_raw',
                              'image/compressed': '/camera/image_raw/compressed'}


@needs_launch
def test_cameras_and_their_topics_are_arguments() -> None:
    topics = '/a/image,/b/image'
    (node,) = nodes_of('multi_camera.launch.py', cameras='front, left', image_topics=topics)
    assert remapped(node)['left/image'] == '/b/image'
    assert remapped(node)['front/image/compressed'] == '/a/image/compressed'
    with pytest.raises(ValueError, match='1 topics for 2 cameras'):
        nodes_of('multi_camera.launch.py', cameras='front, left', image_topics='/a')


@needs_launch
def test_two_networks_read_one_camera() -> None:
    detector, segmenter = nodes_of(
        'two_networks.launch.py', image_topic='/camera/image_raw',
        detector_engine_file_path='d.engine', segmenter_engine_file_path='s.engine')
    assert [node.node_name for node in (detector, segmenter)] == [
        '/detector/inference', '/segmenter/inference']
    assert remapped(detector) == remapped(segmenter)
    assert remapped(detector)['image'] == '/camera/image_raw'


@needs_launch
def test_nav2_activates_the_node() -> None:
    nodes = nodes_of('nav2_lifecycle.launch.py')
    assert {node.node_executable for node in nodes} == {'inference_node', 'lifecycle_manager'}
