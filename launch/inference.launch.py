# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start the inference node with an engine, remapped to the topics of your robot."""

from launch import LaunchContext, LaunchDescription
from launch.actions import (DeclareLaunchArgument, LogInfo, OpaqueFunction, RegisterEventHandler,
                            SetEnvironmentVariable)
from launch.conditions import IfCondition
from launch.launch_description_entity import LaunchDescriptionEntity
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, SetRemap
from launch_ros.event_handlers import OnStateTransition
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'image_topic': ('image', 'Topic of the images, such as /camera/image_raw.'),
    'engine_file_path': (None, 'Engine file with its manifest in the same folder, or ONNX file.'),
    'params_file': (PathJoinSubstitution(
        [FindPackageShare('edge_trt_ros'), 'config', 'inference.yaml']),
        'YAML file with the other parameters.'),
    'cameras': ('', 'Names of cameras that share the engine, separated by commas.'),
    'image_topics': ('', 'Topics of the images of cameras, in order; default: <name>/image.'),
    'namespace': ('', 'Namespace of the node and its topics.'),
    'node_name': ('inference', 'Name of the node.'),
    'gpu_priority': ('high', 'high or low: whose work the GPU runs first, in one process.'),
    'autostart': ('true', 'Configure and activate without a lifecycle manager.'),
    'respawn': ('false', 'Start the node again 2 seconds after its process has ended.'),
    'use_isaac_names': ('false', 'Publish on detections_output, as Isaac ROS decoders do.'),
    'log_level': ('info', 'debug, info, warn, error.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments; engine_file_path is required."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        SetRemap('detections', 'detections_output',
                 condition=IfCondition(LaunchConfiguration('use_isaac_names'))),
        OpaqueFunction(function=_node)])


def _node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    cameras = _listed(value['cameras'].perform(context))
    node = LifecycleNode(
        package='edge_trt_ros', executable='inference_node', name=value['node_name'],
        namespace=value['namespace'], output='screen', respawn=value['respawn'], respawn_delay=2.0,
        parameters=[{
            **({'cameras': cameras} if cameras else {}),
            'autostart': ParameterValue(value['autostart'], value_type=bool),
            'engine_file_path': ParameterValue(value['engine_file_path'], value_type=str),
            'gpu_priority': value['gpu_priority']}],
        remappings=_remappings(value['image_topic'].perform(context), cameras,
                               _listed(value['image_topics'].perform(context))),
        # As an argument, since launch only warns if a file in `parameters` does not exist.
        ros_arguments=['--params-file', value['params_file'], '--log-level', value['log_level']])
    return [node, RegisterEventHandler(OnStateTransition(
        target_lifecycle_node=node, goal_state='active',
        entities=[LogInfo(msg=[value['node_name'], ' is active'])]))]


def _remappings(topic: str, cameras: list[str], topics: list[str]) -> list[tuple[str, str]]:
    if topics and len(topics) != len(cameras):
        raise ValueError(f'image_topics has {len(topics)} topics for {len(cameras)} cameras')
    pairs = zip([f'{camera}/image' for camera in cameras], topics) if cameras else [
        ('image', topic)]
    return [(f'{name}{end}', f'{to}{end}') for name, to in pairs for end in ('', '/compressed')]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(',') if part.strip()]
