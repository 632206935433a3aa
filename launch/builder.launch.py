# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start the engine builder node with the models of a YAML file."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'builder.yaml']),
        'YAML file that names the models to build.'),
    'namespace': ('', 'Namespace of the node and its services.'),
    'node_name': ('engine_builder', 'Name of the node.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        Node(
            package='edge_trt_ros', executable='engine_builder_node', name=value['node_name'],
            namespace=value['namespace'], output='screen',
            # As an argument, since launch only warns if a file in `parameters` does not exist.
            ros_arguments=['--params-file', value['params_file'],
                           '--log-level', value['log_level']])])
