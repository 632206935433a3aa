# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Tasks in the vision layer: each file defines the results of a task, their drawing and JSON.

`TASKS` is the registry; `convert.tasks` and `ros.tasks` use the same names.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edge_trt_ros.errors import EngineError
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.tasks import (classify, depth, detect, obb, pose, segment, semantic,
                                       tensors)
from edge_trt_ros.vision.tasks.classify import Classification
from edge_trt_ros.vision.tasks.depth import DepthMap
from edge_trt_ros.vision.tasks.segment import Instances
from edge_trt_ros.vision.tasks.semantic import ClassMap
from edge_trt_ros.vision.tasks.task import Decoder, OutputFormat, Task
from edge_trt_ros.vision.tasks.tensors import RawTensors

__all__ = ['ClassMap', 'Classification', 'Decoder', 'default_task', 'DepthMap', 'Detections',
           'find_task',
           'Instances', 'OutputFormat', 'RawTensors', 'Result', 'Task', 'TASKS']

Result = Detections | Instances | Classification | ClassMap | DepthMap | RawTensors
TASKS: Mapping[str, Task] = MappingProxyType({task.name: task for task in (
    detect.TASK, classify.TASK, semantic.TASK, depth.TASK, segment.TASK, pose.TASK, obb.TASK,
    classify.TEXT, tensors.TASK)})


def default_task(reads_text: bool) -> str:
    """Return the task of a network that states none: the first that reads texts, or images."""
    return next(name for name, task in TASKS.items() if task.reads_text == reads_text)


def find_task(name: str) -> Task:
    """
    Return a task by its name.

    :raises EngineError: for an unknown task; lists the known tasks.
    """
    if name not in TASKS:
        raise EngineError(f"the engine's task is '{name}', expected {', '.join(TASKS)}: "
                          'update edge_trt_ros, or rebuild the engine')
    return TASKS[name]
