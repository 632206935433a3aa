# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Detect objects in a video file, and write the video with the objects drawn into it.

    python3 examples/detect_video.py MODEL.onnx IN.mp4 OUT.mp4
"""

from itertools import tee
import sys

import cv2

from edge_trt_ros import open_model

model_path, source_path, target_path = sys.argv[1:]
video = cv2.VideoCapture(source_path)
size_wh = (int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)))
written = cv2.VideoWriter(target_path, cv2.VideoWriter.fourcc(*'mp4v'),
                          video.get(cv2.CAP_PROP_FPS), size_wh)

with open_model(model_path) as model:
    # `read` returns (True, image), and (False, None) at the end of the file.
    images, same_images = tee(image for _, image in iter(video.read, (False, None)))
    count = 0
    for image, result in zip(images, model.stream(same_images)):
        written.write(model.draw(image, result))
        count += 1
written.release()
print(f'{target_path}: {count} images on {model.device}')
