"""
Deploy trained networks on a robot: ONNX in, detections out, as two ROS 2 nodes.

The folders are the data flow; each may import only those to its left::

    errors, tensor_spec, manifest <- vision <- runtime <- convert <- ros <- demo
    demo <- benchmark <- cli

vision    pixels, boxes, detections: pure arithmetic
runtime   runs an engine on a frame: one contract, a back end for each device
convert   ONNX to a checked, fused, verified engine with its manifest
ros       the nodes, their parameters and messages
demo      a synthetic road, a trained detector for it and a score
benchmark what each part of a frame's way takes, on this machine
cli       one thin file for each executable
"""

import logging

# Who imports this decides what is heard: the nodes pass it on to ROS, a command prints its errors.
logging.getLogger(__name__).addHandler(logging.NullHandler())

__version__ = '0.1.0'
