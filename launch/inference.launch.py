# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start the inference node with an engine, remapped to the topics of your robot."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, SetRemap
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'image_topic': ('image', 'Topic of the images, such as /camera/image_raw.'),
    'engine_file_path': (None, 'Engine file with its manifest in the same folder, or ONNX file.'),
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'inference.yaml']),
        'YAML file with the other parameters.'),
    'namespace': ('', 'Namespace of the node and its topics.'),
    'node_name': ('inference', 'Name of the node.'),
    'autostart': ('true', 'Configure and activate without a lifecycle manager.'),
    'use_isaac_names': ('false', 'Publish on detections_output, as Isaac ROS decoders do.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments; engine_file_path is required."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        SetRemap('detections', 'detections_output',
                 condition=IfCondition(value['use_isaac_names'])),
        Node(
            package='edge_trt_ros', executable='inference_node', name=value['node_name'],
            namespace=value['namespace'], output='screen',
            parameters=[{
                'autostart': ParameterValue(value['autostart'], value_type=bool),
                'engine_file_path': ParameterValue(value['engine_file_path'], value_type=str)}],
            remappings=[('image', value['image_topic']),
                        ('image/compressed', [value['image_topic'], '/compressed'])],
            # As an argument, since launch only warns if a file in `parameters` does not exist.
            ros_arguments=['--params-file', value['params_file'],
                           '--log-level', value['log_level']])])
