# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Detect objects in an image, print them, and write the image with the objects drawn into it.

    python3 examples/detect_image.py MODEL.onnx IMAGE.png DRAWN.png
"""

import sys

import cv2

from edge_trt_ros import open_model, Thresholds

model_path, image_path, drawn_path = sys.argv[1:]
image = cv2.imread(image_path)

with open_model(model_path, thresholds=Thresholds(confidence=0.4)) as model:
    detections = model.detect(image)
    for box, score, class_id in zip(detections.boxes_xyxy, detections.scores,
                                    detections.class_ids):
        left, top, right, bottom = box.round().astype(int)
        print(f'{model.labels[class_id]} {score:.2f} at {left}, {top} to {right}, {bottom}')
    cv2.imwrite(drawn_path, model.draw(image, detections))
