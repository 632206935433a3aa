# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Start the demo: engine builder, detector, synthetic camera and scoreboard."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from edge_trt_ros.demo.detector.model import CONFIDENCE, MODEL_PATH
from edge_trt_ros.ros.node.transport import transport_environment

ARGUMENTS = {
    'seconds': ('20.0', 'Duration of the scoring in seconds.'),
    'output_directory': ('demo_output', 'Folder for the engine, the pictures and the result.'),
    'rate_hz': ('30.0', 'Images per second.'),
    'seed': ('3', 'Seed of the synthetic road.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the four nodes; the launch ends when the scoreboard does."""
    value = {name: LaunchConfiguration(name) for name in ARGUMENTS}
    engine = PathJoinSubstitution([value['output_directory'], 'road_users.engine'])
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        # Shared memory that is large enough for images, unless the user has chosen a transport.
        *(SetEnvironmentVariable(name, path) for name, path in transport_environment().items()),
        Node(package='edge_trt_ros', executable='engine_builder_node', output='screen',
             parameters=[{'models': ['demo'], 'demo.onnx_file_path': str(MODEL_PATH),
                          'demo.engine_file_path': engine}]),
        Node(package='edge_trt_ros', executable='inference_node', output='screen',
             parameters=[{'engine_file_path': engine, 'confidence_threshold': CONFIDENCE}]),
        Node(package='edge_trt_ros', executable='synthetic_camera', output='screen',
             parameters=[{'rate_hz': ParameterValue(value['rate_hz'], value_type=float),
                          'seed': ParameterValue(value['seed'], value_type=int)}]),
        Node(package='edge_trt_ros', executable='scoreboard', output='screen', emulate_tty=True,
             parameters=[{'seconds': ParameterValue(value['seconds'], value_type=float),
                          'output_directory': value['output_directory']}],
             on_exit=Shutdown(reason='the scoreboard is done'))])
