# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Run trained networks on a robot: from an ONNX file to detections, with or without ROS 2.

::

    import cv2

    from edge_trt_ros import open_model

    image = cv2.imread('road.png')
    with open_model('yolov8n.onnx') as model:
        detections = model.detect(image)
        for box, class_id in zip(detections.boxes_xyxy, detections.class_ids):
            print(model.labels[class_id], box)
        cv2.imwrite('drawn.png', model.draw(image, detections))

The names in `__all__` are the interface of this package, and follow semantic versioning: a
change that breaks their documented use raises the major version (before 1.0 the minor version).
Other modules may change in any version. Importing the package imports neither NumPy nor ROS;
each name is imported when it is first used.

Each folder is a layer, and may import only the layers to its left::

    errors, files, settings, tensor_spec, manifest <- vision <- heads <- runtime <- sources
    sources <- convert <- export <- evaluation <- opening <- api <- ros <- demo <- benchmark
    benchmark <- doctor <- cli

vision     pixels, boxes, detections, tasks: pure arithmetic
heads      the output formats of networks: recognition, appended nodes, decoding
runtime    runs an engine on samples: one contract, a back end per device
sources    frames from messages, image files and bags
convert    builds a checked and verified engine and its manifest from an ONNX
export     exports networks of other frameworks to ONNX
evaluation compares detections with labels
opening    opens an engine, or an ONNX with the converter
api        the interface of this module
ros        the nodes, their parameters and messages
demo       a synthetic road, a detector trained on it, and a score
benchmark  measures each stage of a frame on this machine
doctor     what is here, what is missing for what, and what installs it
cli        one file per executable
"""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_trt_ros.api.build import build_engine
    from edge_trt_ros.api.model import Model, open_model
    from edge_trt_ros.errors import EdgeTrtError
    from edge_trt_ros.manifest import EngineManifest
    from edge_trt_ros.runtime.samples import Frame
    from edge_trt_ros.vision.tasks import (Classification, ClassMap, DepthMap, Detections,
                                           Instances, RawTensors, Result)
    from edge_trt_ros.vision.thresholds import Thresholds

# The application configures logging: nodes forward it to ROS, commands print errors.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = '0.1.0'
__all__ = ['build_engine', 'Classification', 'ClassMap', 'DepthMap', 'Detections',
           'EdgeTrtError', 'EngineManifest', 'Frame', 'Instances', 'Model', 'open_model',
           'RawTensors', 'Result', 'Thresholds']

_HOMES = {
    'build_engine': 'api.build', 'Model': 'api.model', 'open_model': 'api.model',
    'EdgeTrtError': 'errors', 'EngineManifest': 'manifest', 'Frame': 'runtime.samples',
    'Classification': 'vision.tasks', 'ClassMap': 'vision.tasks', 'DepthMap': 'vision.tasks',
    'Detections': 'vision.tasks',
    'Instances': 'vision.tasks', 'RawTensors': 'vision.tasks', 'Result': 'vision.tasks',
    'Thresholds': 'vision.thresholds'}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    from importlib import import_module
    value: object = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
