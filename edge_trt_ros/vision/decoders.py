"""Every head by its name, and everything that one can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from edge_trt_ros.vision import detector_heads as heads
from edge_trt_ros.vision.class_map import ClassMap, semantic, semantic_logits
from edge_trt_ros.vision.classification import (Classification, classify, classify_logits,
                                                classify_scores)
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances, segment, yolo_segment
from edge_trt_ros.vision.keypoints import keypoints, yolo_pose
from edge_trt_ros.vision.oriented import oriented, yolo_oriented
from edge_trt_ros.vision.postprocess import candidates, candidates_final
from edge_trt_ros.vision.raw_tensors import RawTensors, tensors

Result = Detections | Instances | Classification | ClassMap | RawTensors
Decoder = Callable[..., Result]

HEADS: Mapping[str, Callable[..., Detections]] = MappingProxyType({
    'candidates': candidates, 'candidates_final': candidates_final,
    **{head.__name__: head for head in (
        heads.yolo_dense, heads.yolo_anchors, heads.yolo_end_to_end, heads.yolox,
        heads.yolo_grids, heads.detr_softmax, heads.detr_sigmoid, heads.normalized_rows,
        heads.final_boxes, heads.counted_boxes, heads.rows_of_seven, heads.scored_corners,
        heads.scored_centres)}})
DECODERS: Mapping[str, Decoder] = MappingProxyType({
    **HEADS,
    'classify': classify, 'classify_scores': classify_scores, 'classify_logits': classify_logits,
    'semantic': semantic, 'semantic_logits': semantic_logits,
    'keypoints': keypoints, 'yolo_pose': yolo_pose,
    'oriented': oriented, 'yolo_oriented': yolo_oriented,
    'segment': segment, 'yolo_segment': yolo_segment,
    'tensors': tensors,
})
