# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start one inference node for several cameras, which share its engine."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'cameras': (None, 'Names of the cameras, separated by commas, such as front,left.'),
    'image_topics': ('', 'Topics of their images in the same order; default: <name>/image.'),
    'engine_file_path': (None, 'Engine file with its manifest in the same folder, or ONNX file.'),
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'inference.yaml']),
        'YAML file with the other parameters.'),
    'namespace': ('', 'Namespace of the node and its topics.'),
    'node_name': ('inference', 'Name of the node.'),
    'autostart': ('true', 'Configure and activate without a lifecycle manager.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments; cameras and engine_file_path are required."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        OpaqueFunction(function=_node)])


def _node(context: LaunchContext) -> list[Node]:
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    cameras = _listed(value['cameras'].perform(context))
    topics = _listed(value['image_topics'].perform(context))
    if topics and len(topics) != len(cameras):
        raise ValueError(f'image_topics has {len(topics)} topics for {len(cameras)} cameras')
    remappings = [(f'{camera}/image{end}', f'{topic}{end}')
                  for camera, topic in zip(cameras, topics) for end in ('', '/compressed')]
    return [Node(
        package='edge_trt_ros', executable='inference_node', name=value['node_name'],
        namespace=value['namespace'], output='screen', remappings=remappings,
        parameters=[{
            'cameras': cameras,
            'autostart': ParameterValue(value['autostart'], value_type=bool),
            'engine_file_path': ParameterValue(value['engine_file_path'], value_type=str)}],
        ros_arguments=['--params-file', value['params_file'],
                       '--log-level', value['log_level']])]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(',') if part.strip()]
