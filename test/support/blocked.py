# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Processes that cannot import certain libraries, as if these were not installed."""

from __future__ import annotations

import os
from pathlib import Path

ROS = ('rclpy', 'ament_index_python', 'builtin_interfaces', 'cv_bridge', 'diagnostic_msgs',
       'geometry_msgs', 'launch', 'launch_ros', 'lifecycle_msgs', 'message_filters',
       'rcl_interfaces', 'rosidl_runtime_py', 'rpyutils', 'sensor_msgs', 'std_msgs', 'std_srvs',
       'vision_msgs')
# Python imports it at start. Finders are wrapped, so that `find_spec` finds nothing, too.
_SITE = """
import os
import sys

BLOCKED = frozenset(os.environ['BLOCKED_LIBRARIES'].split())


class Without:
    def __init__(self, finder):
        self._finder = finder

    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in BLOCKED:
            return None
        return self._finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self._finder, name)


sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def environment_without(folder: Path, *libraries: str) -> dict[str, str]:
    """
    Return the environment of processes without some libraries; their children inherit it.

    :param folder: an existing folder to write into.
    :param libraries: top-level names of modules.
    """
    (folder / 'sitecustomize.py').write_text(_SITE, encoding='utf-8')
    return {**os.environ, 'BLOCKED_LIBRARIES': ' '.join(libraries),
            'PYTHONPATH': os.pathsep.join([str(folder), *os.environ.get(
                'PYTHONPATH', '').split(os.pathsep)])}
