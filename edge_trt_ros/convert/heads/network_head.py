"""The head of a network of any task: told, and fused into its graph."""

from __future__ import annotations

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.heads.fuse_head import fuse_head, FUSED_HEADS
from edge_trt_ros.convert.heads.fuse_tasks import fuse_task, FUSED_TASKS
from edge_trt_ros.convert.heads.head_detection import detect_head, DetectionHead
from edge_trt_ros.convert.heads.task_heads import detect_task_head, TaskHead
from edge_trt_ros.convert.options import ConversionRecipe

# What an engine gives for each head of a network: a key of `vision.decoders.DECODERS`.
FUSED = {**FUSED_HEADS, **FUSED_TASKS}


def find_head(checked: CheckedOnnx, recipe: ConversionRecipe) -> DetectionHead:
    """
    Tell the head of a network.

    :param checked: the network.
    :param recipe: states the task, labels and anchors where the ONNX does not.
    :raises ModelError: for a head that is not known, or that what is stated does not fit.
    """
    return detect_task_head(checked, recipe.task, recipe.labels) or detect_head(
        checked, recipe.labels, recipe.anchors_wh)


def fuse(checked: CheckedOnnx, head: DetectionHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model that ends in what leaves the device.

    :param checked: the network; not modified.
    :param head: its head, from `find_head`.
    :param max_candidates: the most boxes or classes that leave the device.
    :raises ModelError: if the graph cannot be extended.
    """
    if isinstance(head, TaskHead):
        return fuse_task(checked, head, max_candidates)
    return fuse_head(checked, head, max_candidates)
