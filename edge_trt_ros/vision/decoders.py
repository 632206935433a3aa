"""Every head by its name, and everything that one can give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from edge_trt_ros.vision.class_map import ClassMap, semantic, semantic_logits
from edge_trt_ros.vision.classification import Classification, classify, classify_logits
from edge_trt_ros.vision.classification import classify_scores
from edge_trt_ros.vision.detections import Detections
from edge_trt_ros.vision.instances import Instances, segment, yolo_segment
from edge_trt_ros.vision.letterbox import Letterbox
from edge_trt_ros.vision.postprocess import HEADS, Outputs, Thresholds
from edge_trt_ros.vision.raw_tensors import RawTensors, tensors

Result = Detections | Instances | Classification | ClassMap | RawTensors
Decoder = Callable[[Outputs, Letterbox, Thresholds], Result]

DECODERS: Mapping[str, Decoder] = MappingProxyType({
    **HEADS,
    'classify': classify, 'classify_scores': classify_scores, 'classify_logits': classify_logits,
    'semantic': semantic, 'semantic_logits': semantic_logits,
    'segment': segment, 'yolo_segment': yolo_segment,
    'tensors': tensors,
})
