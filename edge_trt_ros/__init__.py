# Copyright 2026 edge_trt_ros maintainers
# SPDX-License-Identifier: Apache-2.0

"""
Deploy trained networks on a robot with ROS 2 nodes: ONNX in, detections out.

Each folder is a layer, and may import only the layers to its left::

    errors, files, settings, tensor_spec, manifest <- vision <- heads <- runtime <- sources
    sources <- convert <- export <- evaluation <- opening <- ros <- demo <- benchmark <- cli

vision     pixels, boxes, detections, tasks: pure arithmetic
heads      the output formats of networks: recognition, appended nodes, decoding
runtime    runs an engine on samples: one contract, a back end per device
sources    frames from messages, image files and bags
convert    builds a checked and verified engine and its manifest from an ONNX
export     exports networks of other frameworks to ONNX
evaluation compares detections with labels
opening    opens an engine, or an ONNX with the converter
ros        the nodes, their parameters and messages
demo       a synthetic road, a detector trained on it, and a score
benchmark  measures each stage of a frame on this machine
cli        one file per executable
"""

import logging

# The application configures logging: nodes forward it to ROS, commands print errors.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = '0.1.0'
