# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Topics and messages of each task, one file per task; `TASKS` is the registry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge_trt_ros.ros.tasks import (classify, depth, detect, obb, pose, segment, semantic,
                                    tensors)
from edge_trt_ros.ros.tasks.task import MessageStyle, Publishers, RosTask, Seen

__all__ = ['MessageStyle', 'Publishers', 'RosTask', 'Seen', 'TASKS']

TASKS: Mapping[str, RosTask] = MappingProxyType({task.name: task for task in (
    detect.TASK, classify.TASK, semantic.TASK, depth.TASK, segment.TASK, pose.TASK, obb.TASK,
    classify.TEXT, tensors.TASK)})
