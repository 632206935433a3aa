# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
The converter's part of each task: its device outputs, and how its results are compared.

Each task has a file. `TASKS` is the registry; `vision.tasks` and `ros.tasks` use the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge_trt_ros.convert.tasks import (classify, depth, detect, obb, pose, segment, semantic,
                                        tensors)
from edge_trt_ros.convert.tasks.task import Comparison, ConvertTask

__all__ = ['Comparison', 'ConvertTask', 'TASKS']

TASKS: Mapping[str, ConvertTask] = MappingProxyType({task.name: task for task in (
    detect.TASK, classify.TASK, semantic.TASK, depth.TASK, segment.TASK, pose.TASK, obb.TASK,
    classify.TEXT, tensors.TASK)})
