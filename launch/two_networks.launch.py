# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Start two networks on one camera, such as a detector and a segmenter.

Each is a node in a namespace of its own: /detector/detections, /segmenter/mask. The other
arguments are those of inference.launch.py; they apply to both.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration

ARGUMENTS = {
    'image_topic': ('/image', 'Topic of the images, with its namespace: /camera/image_raw.'),
    'detector_engine_file_path': (None, 'Engine of the node in the namespace detector.'),
    'segmenter_engine_file_path': (None, 'Engine of the node in the namespace segmenter.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return both nodes with their arguments; both engines are required."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        _network('detector', 'high'), _network('segmenter', 'low')])


def _network(namespace: str, priority: str) -> GroupAction:
    return GroupAction([IncludeLaunchDescription(
        str(Path(__file__).with_name('inference.launch.py')),
        launch_arguments=[
            ('namespace', namespace), ('gpu_priority', priority),
            ('image_topic', LaunchConfiguration('image_topic')),
            ('engine_file_path', LaunchConfiguration(f'{namespace}_engine_file_path'))])])
