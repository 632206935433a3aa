# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""The detector that is part of the package, trained on the synthetic road by `train.py`."""

from __future__ import annotations

from pathlib import Path

MODEL_PATH = Path(__file__).with_name('road_users.onnx')
# Recall and precision are equal here; a lower value finds more objects and more false alarms.
CONFIDENCE = 0.3
