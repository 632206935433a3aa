# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Add an output format of your own: corners [1, 4, boxes] and confidences [1, boxes, classes].

    python3 examples/custom_head.py MODEL.onnx ENGINE IMAGE.png

The head is known in this process, which builds the engine. The engine then runs everywhere.
"""

import sys
from typing import Any

import cv2
import numpy as np

from edge_trt_ros import build_engine, Detections, open_model
from edge_trt_ros.heads import add_head, Head, Network, Reading, Tail
from edge_trt_ros.heads.appending import append_best
from edge_trt_ros.vision.selection import select


def read(network: Network) -> list[Reading]:
    """Recognise the format: by the names of the outputs."""
    outputs = {output.name: output for output in network.outputs}
    if set(outputs) != {'corners', 'confidences'}:
        return []
    _, boxes, classes = outputs['confidences'].shape
    return [Reading(classes, boxes, outputs)]


def append(tail: Tail, found: Any, raw: Any, size_wh: tuple[int, int], kept: int) -> None:
    """Append ONNX nodes that keep the best boxes, so that only those leave the device."""
    order = append_best(tail, raw['confidences'], kept)
    boxes = tail.node('Transpose', [raw['corners']], perm=[0, 2, 1])
    tail.node('Identity', [tail.rows(boxes, order, kept, 4)], 'boxes_xyxy')


def decode(outputs: Any, letterbox: Any, thresholds: Any) -> Detections:
    """Decode with NumPy: each build is compared with this."""
    scores, boxes = outputs['confidences'][0], outputs['corners'][0].T
    chosen = np.flatnonzero(scores.max(1) >= thresholds.confidence)
    return select(boxes[chosen], scores[chosen].max(1), scores[chosen].argmax(1), letterbox,
                  thresholds, suppress=True)[0]


model_path, engine_path, image_path = sys.argv[1:]
add_head(Head('our_corners', ('detect',), 'candidates', networks='networks of our lab',
              outputs='corners [1, 4, boxes] and confidences [1, boxes, classes]',
              read=read, append=append, decode=decode))
manifest = build_engine(model_path, engine_path)
print(f'built with the head {manifest.head}: {manifest.verification}')
with open_model(engine_path) as model:
    print(f'{len(model.detect(cv2.imread(image_path)))} objects')
