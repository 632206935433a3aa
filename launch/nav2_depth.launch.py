# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start a depth network and the points of its depth, for Nav2's voxel layer."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'image_topic': ('image_rect', 'Topic of the rectified images, such as /camera/image_rect.'),
    'camera_info_topic': ('camera_info', 'Topic of the calibration of these images.'),
    'engine_file_path': (None, 'Engine of a metric depth network, or its ONNX file.'),
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'inference.yaml']),
        'YAML file with the other parameters.'),
    'namespace': ('', 'Namespace of both nodes and their topics.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the inference node, and depth_image_proc's node that publishes depth/points."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        Node(
            package='edge_trt_ros', executable='inference_node', name='depth',
            namespace=value['namespace'], output='screen',
            # The network's resolution: its points are as fine as the network sees.
            parameters=[{
                'autostart': True, 'mask_resolution': 'network',
                'engine_file_path': ParameterValue(value['engine_file_path'], value_type=str)}],
            remappings=[('image', value['image_topic']),
                        ('camera_info', value['camera_info_topic'])],
            ros_arguments=['--params-file', value['params_file'],
                           '--log-level', value['log_level']]),
        Node(
            package='depth_image_proc', executable='point_cloud_xyz_node', name='depth_points',
            namespace=value['namespace'], output='screen',
            remappings=[('image_rect', 'depth/image'), ('camera_info', 'depth/camera_info'),
                        ('points', 'depth/points')],
            ros_arguments=['--log-level', value['log_level']])])
