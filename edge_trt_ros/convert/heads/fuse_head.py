"""
Append the decoding of a detector's head to the graph, so that an engine returns K candidates.

The raw output of a YOLO network is some 8,400 x 84 numbers, of which a few dozen matter. The
appended nodes take the best class of each anchor, keep the K best anchors and turn what they
say into corners, so that only K candidates leave the device. All of it is standard ONNX, and so
runs wherever the network does.

Outputs: `boxes_xyxy` float32 [1, K, 4] in network pixels, `scores` float32 [1, K] descending,
`class_ids` int32 [1, K], and `checksum` float32 [1], the sum of the magnitudes of the raw
output: a NaN or an infinity anywhere in it reaches the host in four bytes.
"""

from __future__ import annotations

import onnx

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.tail import copy_for_fusing, finish, floats, GraphTail, integers
from edge_trt_ros.convert.heads.detector_tails import append_decoding, append_mask
from edge_trt_ros.convert.heads.head_detection import DetectionHead

_FINAL, _OVERLAPPING = 'candidates_final', 'candidates'
FUSED_HEADS = {
    'yolo_dense': _OVERLAPPING, 'yolo_anchors': _OVERLAPPING, 'yolox': _OVERLAPPING,
    'yolo_grids': _OVERLAPPING, 'scored_corners': _OVERLAPPING, 'scored_centres': _OVERLAPPING,
    'yolo_end_to_end': _FINAL, 'detr_softmax': _FINAL, 'detr_sigmoid': _FINAL,
    'normalized_rows': _FINAL, 'final_boxes': _FINAL, 'counted_boxes': _FINAL,
    'rows_of_seven': _FINAL}


def fuse_head(checked: CheckedOnnx, head: DetectionHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model that ends in candidates (see the module).

    :param checked: the model; not modified.
    :param head: its head.
    :param max_candidates: K; fewer if the head has fewer boxes.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    kept = min(max_candidates, head.boxes)
    outputs = [floats('boxes_xyxy', 1, kept, 4), floats('scores', 1, kept),
               integers('class_ids', 1, kept), floats('checksum', 1)]
    tail = GraphTail(model.graph, tuple(one.name for one in outputs))
    raw = append_mask(tail, head, {role: tail.source(output)
                                   for role, output in head.roles.items()})
    height, width = checked.image_input.shape[2:]
    append_decoding(tail, head, raw, (width, height), kept)
    tail.checksum([raw[role] for role, output in head.roles.items()
                   if output.dtype in ('float32', 'float16')])
    return finish(model, outputs)
