# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Detect objects in all images of a folder, and print one line of JSON for each.

    python3 examples/detect_folder.py MODEL.onnx FOLDER
"""

import json
from pathlib import Path
import sys

import cv2

from edge_trt_ros import open_model

model_path, folder = sys.argv[1:]
paths = sorted(Path(folder).glob('*.png'))

with open_model(model_path) as model:
    # A stream reads and prepares the next image while the network runs. It needs no memory for
    # a whole folder: each image is read when it is its turn.
    images = (cv2.imread(str(path)) for path in paths)
    for path, result in zip(paths, model.stream(images)):
        print(json.dumps({'image': path.name, **model.to_dict(result)}))
