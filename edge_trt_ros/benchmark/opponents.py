# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""Other programs that detect objects with the same ONNX file, for comparison in one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edge_trt_ros.optional_libraries import require
from edge_trt_ros.vision.thresholds import Thresholds

# Detects objects in an image, uint8 (H, W, 3) bgr, and returns their number.
Detect = Callable[[NDArray[np.uint8], Thresholds], int]


def ultralytics(onnx: Path, size_wh: tuple[int, int]) -> Detect:
    """
    Return Ultralytics' `predict` of an ONNX file.

    :param onnx: the file.
    :param size_wh: width and height of the network's input.
    :raises MissingLibraryError: if Ultralytics is not installed.
    """
    model = require('ultralytics', '--against ultralytics').YOLO(str(onnx), task='detect')

    def detect(image_bgr: NDArray[np.uint8], thresholds: Thresholds) -> int:
        return len(model.predict(
            image_bgr, imgsz=size_wh[::-1], conf=thresholds.confidence, iou=thresholds.nms_iou,
            max_det=thresholds.max_detections, verbose=False)[0].boxes)
    return detect


OPPONENTS: Mapping[str, Callable[[Path, tuple[int, int]], Detect]] = MappingProxyType(
    {'ultralytics': ultralytics})
