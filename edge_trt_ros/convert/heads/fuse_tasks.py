"""
Append the decoding of a task's head to the graph (see `fuse_head` for that of detectors).

Outputs, each with `checksum` float32 [1], the sum of the magnitudes of what the network gave:

- classify: `scores` float32 [1, K] descending, `class_ids` int32 [1, K].
- semantic: `class_map` int32 [1, h, w], the class of the largest logit.
- segment: the outputs of `fuse_head`, `coefficients` float32 [1, K, c] of the same candidates and
  `prototypes` float32 [1, c, h, w].
- pose: the outputs of `fuse_head` and `keypoints` float32 [1, K, keypoints, 2 or 3]: x, y in
  network pixels and a score.
- obb: the outputs of `fuse_head`, boxes before they are turned, and `angles` float32 [1, K, 1].
- tensors: the network's own outputs as float32, and no checksum.
"""

from __future__ import annotations

import onnx
from onnx import TensorProto

from edge_trt_ros.convert.graph.check import CheckedOnnx
from edge_trt_ros.convert.graph.tail import (copy_for_fusing, finish, floats, GraphTail, integers,
                                             ORDER)
from edge_trt_ros.convert.heads.detector_tails import append_dense
from edge_trt_ros.convert.heads.task_heads import TaskHead

FUSED_TASKS = {'classify_scores': 'classify', 'classify_logits': 'classify',
               'semantic_logits': 'semantic', 'yolo_segment': 'segment',
               'yolo_pose': 'keypoints', 'yolo_oriented': 'oriented', 'tensors': 'tensors'}


def fuse_task(checked: CheckedOnnx, head: TaskHead, max_candidates: int) -> onnx.ModelProto:
    """
    Return a copy of the model that ends in what leaves the device (see the module).

    :param checked: the model; not modified.
    :param head: its head.
    :param max_candidates: K; fewer if the head has fewer boxes or classes.
    :raises ModelError: if the graph cannot be extended.
    """
    model = copy_for_fusing(checked)
    kept = min(max_candidates, head.boxes)
    return finish(model, _append(model, checked, head, kept))


def _append(model: onnx.ModelProto, checked: CheckedOnnx, head: TaskHead, kept: int
            ) -> list[onnx.ValueInfoProto]:
    shapes = [output.shape for output in checked.outputs]
    if head.task == 'tensors':
        return _append_tensors(model, checked)
    boxes = [floats('boxes_xyxy', 1, kept, 4), floats('scores', 1, kept),
             integers('class_ids', 1, kept)]
    specs = {
        **dict.fromkeys(('classify', 'text'), [
            floats('scores', 1, kept), integers('class_ids', 1, kept)]),
        'semantic': [integers('class_map', 1, *shapes[0][2:])],
        'segment': [*boxes, floats('coefficients', 1, kept, shapes[-1][1]),
                    floats('prototypes', *shapes[-1])],
        'pose': [*boxes, floats('keypoints', 1, kept, *head.keypoint_shape)],
        'obb': [*boxes, floats('angles', 1, kept, 1)],
    }[head.task] + [floats('checksum', 1)]
    tail = GraphTail(model.graph, tuple(spec.name for spec in specs))
    raws = [tail.source(output) for output in checked.outputs]
    if head.task in ('classify', 'text'):
        _append_classify(tail, raws[0], kept, head.name == 'classify_logits')
    elif head.task == 'segment':
        tail.node('Identity', [_append_boxes(tail, raws[0], shapes[0][1], kept, shapes[1][1])],
                  'coefficients')
        tail.node('Identity', [raws[1]], 'prototypes')
    elif head.task == 'pose':
        count, numbers = head.keypoint_shape
        extra = _append_boxes(tail, raws[0], shapes[0][1], kept, count * numbers)
        tail.node('Reshape', [extra, tail.ints(1, kept, count, numbers)], 'keypoints')
    elif head.task == 'obb':
        tail.node('Identity', [_append_boxes(tail, raws[0], shapes[0][1], kept, 1)], 'angles')
    else:
        classes = tail.node('ArgMax', [raws[0]], axis=1, keepdims=0)
        tail.node('Cast', [classes], 'class_map', to=TensorProto.INT32)
    tail.checksum(raws)
    return specs


def _append_boxes(tail: GraphTail, raw: str, rows: int, kept: int, extra: int) -> str:
    """Append the best of [1, rows, anchors]; return their last rows, [1, kept, extra]."""
    append_dense(tail, raw, rows - extra, kept)
    last = tail.node('Transpose', [tail.columns(raw, rows - extra, rows, 1)], perm=[0, 2, 1])
    return tail.rows(last, ORDER, kept, extra)


def _append_classify(tail: GraphTail, raw: str, kept: int, logits: bool) -> None:
    scores = tail.node('Softmax', [raw], axis=1) if logits else raw
    order = tail.node('TopK', [scores, tail.ints(kept)], 'scores', ORDER, axis=1)
    tail.node('Cast', [order], 'class_ids', to=TensorProto.INT32)


def _append_tensors(model: onnx.ModelProto, checked: CheckedOnnx) -> list[onnx.ValueInfoProto]:
    if all(output.dtype == 'float32' for output in checked.outputs):
        return [floats(output.name, *output.shape) for output in checked.outputs]
    names = [f'{output.name}_float32' if output.dtype == 'float16' else output.name
             for output in checked.outputs]
    tail = GraphTail(model.graph, tuple(set(names) - {one.name for one in checked.outputs}))
    for output, name in zip(checked.outputs, names):
        if output.dtype == 'float16':
            tail.node('Cast', [output.name], name, to=TensorProto.FLOAT)
    return [floats(name, *output.shape) for output, name in zip(checked.outputs, names)]
