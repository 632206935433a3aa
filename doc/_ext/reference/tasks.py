# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Tasks: what they read and publish, from the registries of the layers."""

from __future__ import annotations

from edge_trt_ros.heads import HEADS
from edge_trt_ros.ros.interfaces import INFERENCE
from edge_trt_ros.vision.tasks import TASKS
from reference.tables import table


def markdown() -> str:
    """Return the table of the tasks."""
    return table(('task', 'input', 'topics', 'heads'), (
        (f'`{name}`', 'text' if task.reads_text else 'image',
         ', '.join(f'`{topic.name}`' for topic in INFERENCE if name in topic.tasks),
         ', '.join(f'`{head.name}`' for head in HEADS.values() if name in head.tasks))
        for name, task in TASKS.items()))
