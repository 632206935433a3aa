# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start a segmentation network for the semantic_segmentation_layer of Nav2."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'image_topic': ('image_rect', 'Topic of the images that are aligned with the points.'),
    'engine_file_path': (None, 'Engine of a semantic segmentation network, or its ONNX file.'),
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'inference.yaml']),
        'YAML file with the other parameters.'),
    'namespace': ('segmentation', 'Namespace of the node and its topics.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node, which publishes mask, confidence and label_info in its namespace."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        Node(
            package='edge_trt_ros', executable='inference_node', name='inference',
            namespace=value['namespace'], output='screen',
            # The layer takes pixel i of the mask for point i of the cloud.
            parameters=[{
                'autostart': True, 'mask_resolution': 'source',
                'engine_file_path': ParameterValue(value['engine_file_path'], value_type=str)}],
            remappings=[('image', value['image_topic'])],
            ros_arguments=['--params-file', value['params_file'],
                           '--log-level', value['log_level']])])
