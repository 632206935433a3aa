# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Run a network on several images at once, and count the objects of each class.

    python3 examples/detect_batch.py MODEL.onnx A.png B.png ...
"""

from collections import Counter
import sys

import cv2

from edge_trt_ros import Detections, open_model

model_path, *image_paths = sys.argv[1:]

with open_model(model_path) as model:
    # Two images are in flight: one runs while the next is prepared. The results are a list.
    results = model.batch([cv2.imread(path) for path in image_paths])

for path, result in zip(image_paths, results):
    if isinstance(result, Detections):
        counts = Counter(model.labels[class_id] for class_id in result.class_ids)
        print(f'{path}: ' + ', '.join(f'{count} {label}' for label, count in counts.items()))
