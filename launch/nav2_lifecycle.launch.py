# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Start the inference node with Nav2's lifecycle manager, which configures and activates it.

The other arguments are those of inference.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

ARGUMENTS = {
    'manager_params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'nav2_lifecycle_manager.yaml']),
        'YAML file with the parameters of the lifecycle manager.'),
    'engine_file_path': (None, 'Engine file with its manifest in the same folder, or ONNX file.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the manager and the node; engine_file_path is required."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('inference.launch.py')),
            launch_arguments=[('autostart', 'false'),
                              ('engine_file_path', LaunchConfiguration('engine_file_path'))]),
        Node(package='nav2_lifecycle_manager', executable='lifecycle_manager',
             name='lifecycle_manager_perception', output='screen',
             ros_arguments=['--params-file', LaunchConfiguration('manager_params_file')])])
