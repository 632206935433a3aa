"""What a network gives before anything is fused to it, decoded: the reference of every check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from edge_trt_ros.convert.heads.head_detection import DetectionHead
from edge_trt_ros.convert.heads.task_heads import TaskHead
from edge_trt_ros.vision.decoders import DECODERS, Result
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import Thresholds


def decode_source(head: DetectionHead, outputs: Mapping[str, NDArray[Any]], letterbox: Letterbox,
                  thresholds: Thresholds) -> Result:
    """
    Decode the outputs of a network as it came from its exporter.

    :param head: the network's head.
    :param outputs: its outputs by their own names.
    :param letterbox: how the image was laid into the network's input.
    :param thresholds: what to keep.
    :raises NetworkOutputError: for outputs that are not finite.
    """
    given = {role: outputs[spec.name] for role, spec in head.roles.items()} or outputs
    options: dict[str, Any] = {'anchors_wh': head.anchors_wh} if head.anchors_wh else {}
    if isinstance(head, TaskHead) and head.keypoint_shape != (0, 0):
        options['keypoint_shape'] = head.keypoint_shape
    return DECODERS[head.name](given, letterbox, thresholds, **options)
