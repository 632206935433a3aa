# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Task obb: `detections`, whose boxes have a `theta`."""

from __future__ import annotations

from dataclasses import replace

from edge_trt_ros.ros.tasks import detect

TASK = replace(detect.TASK, name='obb')
