# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Start one inference node for several cameras, which share its engine.

The other arguments are those of inference.launch.py.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration

ARGUMENTS = {
    'cameras': (None, 'Names of the cameras, separated by commas, such as front,left.'),
    'image_topics': ('', 'Topics of their images in the same order; default: <name>/image.'),
    'engine_file_path': (None, 'Engine file with its manifest in the same folder, or ONNX file.'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the node with its arguments; cameras and engine_file_path are required."""
    return LaunchDescription([
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in ARGUMENTS.items()),
        IncludeLaunchDescription(
            str(Path(__file__).with_name('inference.launch.py')),
            launch_arguments=[('engine_file_path', LaunchConfiguration('engine_file_path'))])])
